import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Answer, type Json, openTestArchive, sha256, someBytes, type TestArchive, type Who } from './kit.ts'

/** Noon in Berlin; tests move it. */
const START = new Date('2026-03-05T11:00:00Z')
let now = START

let t: TestArchive
let a: Json
let b: Json
let kim: Who
let kimId: string
let lou: Who
const clerk: Who = {}

beforeAll(async () => {
  t = await openTestArchive({ clock: () => now })
  clerk.key = await t.keyFor('clerk')
  a = await t.customer('Alpha GmbH')
  b = await t.customer('Beta GmbH')
  kimId = (await contact(a.id, 'kim@alpha.example')).id
  await contact(b.id, 'lou@beta.example')
  kim = await t.signIn('kim@alpha.example')
  lou = await t.signIn('lou@beta.example')
})
afterAll(() => t.close())
beforeEach(() => {
  now = START
})

const customerPath = (path = '', id = a.id) => `/api/customers/${id}${path}`
const documentPath = (id: string, path = '') => customerPath(`/documents/${id}${path}`)

async function contact(customerId: string, email: string): Promise<Json> {
  const { body } = await t.ask('POST', `/api/customers/${customerId}/contacts`, {
    firstName: 'K',
    lastName: 'T',
    email,
  })
  return body
}

let folders = 0
async function folder(parentId?: string): Promise<string> {
  folders += 1
  return (await t.ask('POST', customerPath('/folders'), { name: `Ordner ${folders}`, parentId })).body.id
}

const file = (folderId: string, more: object = {}): Promise<Json> =>
  t.file(a.id, folderId, someBytes(), { final: true, ...more })

async function share(on: object, permission = 'download', more: object = {}): Promise<string> {
  const input = { contactId: kimId, ...on, permission, confirm: true, ...more }
  const { status, body } = await t.ask('POST', customerPath('/grants'), input)
  expect([status, body.code]).toEqual([201, undefined])
  return body.id
}

const revoke = (id: string) => t.ask('DELETE', customerPath(`/grants/${id}`))
const asKim = (path: string) => t.ask('GET', path, undefined, kim)

/** An answer to HEAD has the type of a body it doesn't have. */
async function head(path: string, { key, cookie }: Who): Promise<{ status: number; headers: Headers }> {
  const headers: Record<string, string> = key ? { authorization: `Bearer ${key}` } : { cookie: cookie ?? '' }
  return t.archive.app.request(`http://localhost:4321${path}`, { method: 'HEAD', headers })
}

/** Every way in which a contact may come upon a document; all of them must agree. */
async function sees(document: { id: string; folderId: string }, who = kim): Promise<boolean> {
  const { folderId } = (await t.ask('GET', documentPath(document.id))).body
  const answers = await Promise.all([
    t.ask('GET', documentPath(document.id), undefined, who),
    t.ask('GET', documentPath(document.id, '/versions'), undefined, who),
    t.ask('GET', documentPath(document.id, '/versions/1/content?disposition=inline'), undefined, who),
    head(documentPath(document.id, '/versions/1/content?disposition=inline'), who),
  ])
  const [read] = answers
  const open = answers.map(({ status }) => status < 400)
  expect(new Set(open).size).toBe(1)
  if (!open[0]) {
    for (const { status } of answers) expect(status).toBe(404)
    expect(read?.body.code).toMatch(/^(document|customer)-not-found$/)
  }
  const lists = await Promise.all([
    t.ask('GET', customerPath('/documents?limit=500'), undefined, who),
    t.ask(
      'GET',
      customerPath(`/documents?sha256=${(await t.ask('GET', documentPath(document.id))).body.sha256}`),
      undefined,
      who,
    ),
  ])
  for (const { status, body } of lists) {
    const listed = status === 200 && body.items.some((each: Json) => each.id === document.id)
    expect(listed).toBe(open[0])
  }
  const inFolder = await t.ask('GET', customerPath(`/documents?folder=${folderId}`), undefined, who)
  if (!open[0]) expect(JSON.stringify(inFolder.body)).not.toContain(document.id)
  return open[0] === true
}

describe('a contact sees what is granted and final, and nothing else', () => {
  it('nothing before a grant; a folder with all below it, and nothing beside, after', async () => {
    const [top, beside] = [await folder(), await folder()]
    const below = await folder(await folder(top))
    const [one, deep, other] = [await file(top), await file(below), await file(beside)]
    for (const document of [one, deep, other]) expect(await sees(document)).toBe(false)
    expect((await asKim(customerPath('/folders'))).body.items).toEqual([])
    await share({ folderId: top })
    expect([await sees(one), await sees(deep), await sees(other)]).toEqual([true, true, false])
    const { items } = (await asKim(customerPath('/folders'))).body
    expect(items.map(({ id }: Json) => id)).toEqual([top])
    expect(items[0].permission).toEqual({ read: 'download', upload: false })
    expect((await asKim(customerPath(`/documents?folder=${beside}`))).body.code).toBe('folder-not-found')
  })

  it('a folder in the middle of the tree, shown as a root without the names above it', async () => {
    const top = await folder()
    const middle = await folder(top)
    const below = await folder(middle)
    const [above, inside] = [await file(top), await file(below)]
    await share({ folderId: middle })
    expect([await sees(above), await sees(inside)]).toEqual([false, true])
    const { items } = (await asKim(customerPath('/folders'))).body
    const root = items.find(({ id }: Json) => id === middle)
    expect(root.children.map(({ id }: Json) => id)).toEqual([below])
    expect(JSON.stringify(items)).not.toContain(`"id":"${top}"`)
  })

  it('one document of a folder, and not its folder', async () => {
    const place = await folder()
    const [mine, other] = [await file(place), await file(place)]
    await share({ documentId: mine.id })
    expect([await sees(mine), await sees(other)]).toEqual([true, false])
    expect((await asKim(customerPath(`/documents?folder=${place}`))).body.code).toBe('folder-not-found')
    const { items } = (await asKim('/api/shared')).body
    expect(items[0].recent.map(({ id }: Json) => id)).toContain(mine.id)
    expect(JSON.stringify(items)).not.toContain(other.id)
  })

  it('no draft: not a new document’s, not a correction’s; of a corrected one the final version', async () => {
    const place = await folder()
    await share({ folderId: place })
    const draft = await file(place, { final: false })
    expect(await sees(draft)).toBe(false)
    const document = await file(place, { title: 'Endgültig' })
    const secret = someBytes(77)
    const uploadId = await t.upload(secret, 'interner-name.pdf')
    await t.ask('POST', documentPath(document.id, '/versions'), { uploadId, reason: 'interner Grund' })
    const seen = (await asKim(documentPath(document.id))).body
    expect(seen).toMatchObject({
      version: 1,
      finalVersion: 1,
      status: 'final',
      sha256: document.sha256,
      fileName: 'paper.pdf',
    })
    const versions = (await asKim(documentPath(document.id, '/versions'))).body
    expect(versions.items).toHaveLength(1)
    const everything = JSON.stringify([
      seen,
      versions,
      (await asKim(customerPath('/documents?limit=500'))).body,
      (await asKim('/api/shared')).body,
    ])
    for (const hidden of [sha256(secret), 'interner', draft.id, 'administrator'])
      expect(everything).not.toContain(hidden)
    expect((await asKim(documentPath(document.id, '/versions/2/content'))).body.code).toBe('version-not-found')
    expect((await asKim(customerPath(`/documents?sha256=${sha256(secret)}`))).body.items).toEqual([])
    await t.ask('POST', documentPath(document.id, '/finalise'))
    expect((await asKim(documentPath(document.id))).body).toMatchObject({ version: 2, sha256: sha256(secret) })
    expect(JSON.stringify((await asKim(documentPath(document.id, '/versions'))).body)).not.toContain('Grund')
    await t.ask('POST', documentPath(draft.id, '/finalise'))
    expect(await sees(draft)).toBe(true)
  })

  it('of the customer only the name', async () => {
    await t.ask('PATCH', customerPath(), {
      notes: 'zahlt spät',
      emails: ['intern@alpha.example'],
      vatId: 'DE123456789',
    })
    const { status, body } = await asKim(customerPath())
    expect([status, body.name]).toEqual([200, 'Alpha GmbH'])
    expect(JSON.stringify(body)).not.toMatch(/zahlt|intern|DE123456789/)
  })
})

describe('moving changes what is seen', () => {
  it('a document: out of a shared folder at once; into one only once confirmed', async () => {
    const [shared, closed] = [await folder(), await folder()]
    await share({ folderId: shared }, 'view')
    const document = await file(shared)
    expect(await sees(document)).toBe(true)
    expect((await t.ask('PATCH', documentPath(document.id), { folderId: closed })).status).toBe(200)
    expect(await sees(document)).toBe(false)
    const asked = await t.ask('PATCH', documentPath(document.id), { folderId: shared, title: 'Neu' })
    expect([asked.status, asked.body.code]).toEqual([409, 'widens-access'])
    expect(asked.body.list).toEqual([
      { contactId: kimId, contact: 'K T', documentId: document.id, name: 'Invoice', from: null, to: 'view' },
    ])
    expect(await sees(document)).toBe(false)
    expect((await t.ask('GET', documentPath(document.id))).body.title).toBe('Invoice')
    expect((await t.ask('PATCH', documentPath(document.id), { folderId: shared, confirm: true })).status).toBe(200)
    expect(await sees(document)).toBe(true)
    const { items } = (await t.ask('GET', customerPath(`/journal?document=${document.id}`))).body
    expect(items.find(({ action }: Json) => action === 'document.updated').details.gained).toHaveLength(1)
  })

  it('a folder, with everything below it', async () => {
    const [shared, mover] = [await folder(), await folder()]
    const document = await file(await folder(mover))
    await share({ folderId: shared })
    const asked = await t.ask('PATCH', customerPath(`/folders/${mover}`), { parentId: shared })
    expect([asked.status, asked.body.code]).toEqual([409, 'widens-access'])
    expect(asked.body.list).toMatchObject([{ contactId: kimId, folderId: mover, from: null, to: 'download' }])
    expect(await sees(document)).toBe(false)
    await t.ask('PATCH', customerPath(`/folders/${mover}`), { parentId: shared, confirm: true })
    expect(await sees(document)).toBe(true)
    expect((await t.ask('PATCH', customerPath(`/folders/${mover}`), { parentId: null })).status).toBe(200)
    expect(await sees(document)).toBe(false)
  })

  it('asks also when viewing becomes downloading, and not when nothing is gained', async () => {
    const [view, download, mover] = [await folder(), await folder(), await folder()]
    await share({ folderId: view }, 'view')
    await share({ folderId: download })
    const move = (parentId: string, confirm?: boolean) =>
      t.ask('PATCH', customerPath(`/folders/${mover}`), { parentId, confirm })
    await move(view, true)
    expect((await move(download)).body.list).toMatchObject([{ from: 'view', to: 'download' }])
    await move(download, true)
    expect((await move(view)).status).toBe(200)
  })
})

describe('the end of a grant', () => {
  it('is the end of its last day in Berlin', async () => {
    const document = await file(await folder())
    await share({ folderId: document.folderId }, 'download', { until: '2026-03-06' })
    now = new Date('2026-03-06T22:59:59Z')
    expect(await sees(document)).toBe(true)
    now = new Date('2026-03-06T23:00:00Z')
    expect(await sees(document)).toBe(false)
  })

  it('comes at once when it is revoked, and within a minute for a link handed out', async () => {
    const document = await file(await folder())
    const grant = await share({ folderId: document.folderId })
    const link = await asKim(documentPath(document.id, '/versions/1/content'))
    const url = link.headers.get('location') ?? ''
    expect((await revoke(grant)).status).toBe(204)
    expect(await sees(document)).toBe(false)
    expect((await t.archive.app.request(url)).status).toBe(200)
    now = new Date(START.getTime() + 59_999)
    expect((await t.archive.app.request(url)).status).toBe(200)
    now = new Date(START.getTime() + 60_000)
    expect((await t.archive.app.request(url)).status).toBe(403)
  })

  it('leaves what other grants give', async () => {
    const top = await folder()
    const document = await file(await folder(top))
    const [one, two] = [await share({ folderId: top }), await share({ documentId: document.id }, 'view')]
    await revoke(one)
    expect((await asKim(documentPath(document.id))).body.permission).toBe('view')
    await revoke(two)
    expect(await sees(document)).toBe(false)
  })
})

describe('viewing, downloading, handing in', () => {
  it('who may only view gets no attachment', async () => {
    const document = await file(await folder())
    await share({ folderId: document.folderId }, 'view')
    for (const query of ['', '?disposition=attachment']) {
      const refused = await asKim(documentPath(document.id, `/versions/1/content${query}`))
      expect([refused.status, refused.body.code]).toEqual([403, 'view-only'])
    }
    const inline = await t.download(documentPath(document.id, '/versions/1/content?disposition=inline'), kim)
    expect([inline.status, sha256(inline.bytes)]).toEqual([200, document.sha256])
    expect(inline.headers.get('content-disposition')).toMatch(/^inline/)
    await share({ documentId: document.id })
    expect((await t.download(documentPath(document.id, '/versions/1/content'), kim)).status).toBe(200)
  })

  it('who may hand in files drafts there, and reads nothing of it', async () => {
    const place = await folder()
    const present = await file(place)
    await share({ folderId: place }, 'upload')
    const tree = (await asKim(customerPath('/folders'))).body.items
    expect(tree.find(({ id }: Json) => id === place).permission).toEqual({ upload: true })
    const uploadId = await t.upload(someBytes(), 'eingereicht.pdf', kim)
    const input = {
      uploadId,
      folderId: place,
      recordClass: 'correspondence',
      title: 'Von mir',
      documentDate: '2026-03-01',
      final: true,
    }
    const handed = await t.ask('POST', customerPath('/documents'), input, kim)
    expect([handed.status, handed.body.status, handed.body.finalVersion]).toEqual([201, 'draft', undefined])
    expect((await t.ask('GET', documentPath(handed.body.id))).body).toMatchObject({
      status: 'draft',
      createdBy: { id: kimId },
    })
    expect([await sees(handed.body), await sees(present)]).toEqual([false, false])
    expect((await asKim(customerPath(`/documents?folder=${place}`))).body.items).toEqual([])
    await t.ask('POST', documentPath(handed.body.id, '/finalise'))
    expect(await sees(handed.body)).toBe(false)
  })

  it('repeating what was handed in tells nothing of what staff made of it', async () => {
    const place = await folder()
    await share({ folderId: place }, 'upload')
    const uploadId = await t.upload(someBytes(), 'a.pdf', kim)
    const input = {
      uploadId,
      folderId: place,
      recordClass: 'correspondence',
      title: 'Von mir',
      documentDate: '2026-03-01',
    }
    const first = await t.ask('POST', customerPath('/documents'), input, kim)
    expect((await t.ask('POST', customerPath('/documents'), input, kim)).body.id).toBe(first.body.id)
    await t.ask('PATCH', documentPath(first.body.id), { title: 'verdächtig', tags: ['intern'] })
    const again = await t.ask('POST', customerPath('/documents'), input, kim)
    expect(JSON.stringify(again.body)).not.toMatch(/verdächtig|intern/)
  })

  it('who may read may not hand in, nor announce an upload; nor elsewhere than granted', async () => {
    const solo = await contact(a.id, 'solo@alpha.example')
    const who = await t.signIn('solo@alpha.example')
    const [readable, open] = [await folder(), await folder()]
    await share({ contactId: solo.id, folderId: readable })
    const announce = () => t.ask('POST', '/api/uploads', { fileName: 'a', size: 1, sha256: 'a'.repeat(64) }, who)
    expect(await announce()).toMatchObject({ status: 403, body: { code: 'forbidden' } })
    await share({ contactId: solo.id, folderId: open }, 'upload')
    const uploadId = await t.upload(someBytes(), 'a.pdf', who)
    const input = { uploadId, recordClass: 'report', title: 'X', documentDate: '2026-03-01' }
    for (const folderId of [readable, 'fld_nobody']) {
      const refused = await t.ask('POST', customerPath('/documents'), { ...input, folderId }, who)
      expect([refused.status, refused.body.code]).toEqual([404, 'folder-not-found'])
    }
    expect(
      (await t.ask('POST', customerPath('/documents'), { ...input, folderId: await folder(open) }, who)).status,
    ).toBe(201)
  })

  it('nobody files what another person uploaded', async () => {
    const place = await folder()
    await share({ folderId: place }, 'upload')
    const uploadId = await t.upload(someBytes())
    const input = { uploadId, folderId: place, recordClass: 'report', title: 'X', documentDate: '2026-03-01' }
    expect((await t.ask('POST', customerPath('/documents'), input, kim)).body.code).toBe('upload-not-found')
    expect((await t.ask('POST', customerPath('/documents'), input, clerk)).body.code).toBe('upload-not-found')
  })
})

describe('a contact of several records', () => {
  it('keeps what was granted to each of them when they are merged', async () => {
    const [into, from] = [await t.customer('Eins GmbH'), await t.customer('Eins Gmbh (doppelt)')]
    const documents: Json[] = []
    for (const { id } of [into, from]) {
      const { id: contactId } = await contact(id, 'twice@eins.example')
      const { id: folderId } = await t.folderOf(id)
      documents.push(await t.file(id, folderId, someBytes(), { final: true }))
      await t.ask('POST', `/api/customers/${id}/grants`, { contactId, folderId, permission: 'download', confirm: true })
    }
    const who = await t.signIn('twice@eins.example')
    await t.ask('POST', `/api/customers/${from.id}/merge`, { into: into.id })
    await t.archive.worker.idle()
    for (const { id } of documents) {
      expect((await t.ask('GET', `/api/customers/${into.id}/documents/${id}`, undefined, who)).status).toBe(200)
      expect((await t.ask('GET', `/api/customers/${from.id}/documents/${id}`, undefined, who)).status).toBe(200)
    }
    const { items } = (await t.ask('GET', '/api/shared', undefined, who)).body
    expect(items).toHaveLength(1)
    expect(items[0].recent).toHaveLength(2)
  })

  it('hands in where it may, though another of its customers is archived', async () => {
    const [gone, here] = [await t.customer('Archiviert GmbH'), await t.customer('Aktiv GmbH')]
    for (const { id } of [gone, here]) {
      const { id: contactId } = await contact(id, 'multi@x.example')
      const { id: folderId } = await t.folderOf(id)
      await t.ask('POST', `/api/customers/${id}/grants`, { contactId, folderId, permission: 'upload', confirm: true })
    }
    const who = await t.signIn('multi@x.example')
    await t.ask('POST', `/api/customers/${gone.id}/archive`)
    expect(await t.upload(someBytes(), 'a.pdf', who)).toMatch(/^upl_/)
    expect((await t.ask('GET', '/api/shared', undefined, who)).body.items).toHaveLength(1)
  })
})

describe('being shut out', () => {
  it('blocking a contact works at once, whatever was granted, and opening it again restores it', async () => {
    const { id } = await contact(a.id, 'block@alpha.example')
    const document = await file(await folder())
    await share({ contactId: id, folderId: document.folderId })
    const who = await t.signIn('block@alpha.example')
    expect(await sees(document, who)).toBe(true)
    await t.ask('PATCH', customerPath(`/contacts/${id}`), { portal: 'blocked' })
    for (const path of [documentPath(document.id), customerPath(), '/api/shared']) {
      expect((await t.ask('GET', path, undefined, who)).status).toBe(401)
    }
    await t.ask('PATCH', customerPath(`/contacts/${id}`), { portal: 'open' })
    expect(await sees(document, who)).toBe(true)
  })

  it('archiving a customer closes its file to its contacts, restoring it opens it again', async () => {
    const document = await file(await folder())
    await share({ folderId: document.folderId })
    await t.ask('POST', customerPath('/archive'))
    expect((await asKim(documentPath(document.id))).body.code).toBe('customer-not-found')
    expect((await asKim(customerPath())).body.code).toBe('customer-not-found')
    expect((await asKim('/api/shared')).body.items).toEqual([])
    await t.ask('POST', customerPath('/restore'))
    expect(await sees(document)).toBe(true)
  })

  it('nobody is told whether an address may sign in', async () => {
    const ask = (email: string) =>
      t.ask('POST', '/api/auth/email-otp/send-verification-otp', { email, type: 'sign-in' }, {})
    const [known, unknown] = [await ask('kim@alpha.example'), await ask('nobody@alpha.example')]
    expect([unknown.status, unknown.body]).toEqual([known.status, known.body])
  })
})

/** Every operation of the API as it describes itself. */
async function operations(): Promise<{ method: string; path: string; open: boolean; hasBody: boolean }[]> {
  const { paths } = (await t.ask('GET', '/api/openapi.json', undefined, {})).body
  return Object.entries(paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      method: method.toUpperCase(),
      path,
      open: operation.security?.length === 0,
      hasBody: operation.requestBody !== undefined,
    })),
  )
}

/** A valid body for each operation that takes one. */
const BODIES: Record<string, object> = {
  'POST /api/customers': { type: 'company', name: 'X' },
  'PATCH /api/customers/{customer}': { notes: 'X' },
  'POST /api/customers/{customer}/merge': { into: 'CUS-0001' },
  'POST /api/customers/{customer}/contacts': { firstName: 'X', lastName: 'X' },
  'PATCH /api/customers/{customer}/contacts/{contact}': { position: 'X' },
  'POST /api/customers/{customer}/folders': { name: 'X' },
  'PATCH /api/customers/{customer}/folders/{folder}': { name: 'X' },
  'POST /api/customers/{customer}/documents': {
    ...{ uploadId: 'upl_X', folderId: 'fld_X', recordClass: 'report', title: 'X', documentDate: '2026-01-01' },
  },
  'PATCH /api/customers/{customer}/documents/{document}': { title: 'X' },
  'POST /api/customers/{customer}/documents/{document}/discard': { reason: 'X' },
  'POST /api/customers/{customer}/documents/{document}/versions': { uploadId: 'upl_X', reason: 'X' },
  'POST /api/customers/{customer}/grants': { contactId: 'con_X', folderId: 'fld_X', permission: 'view', confirm: true },
  'POST /api/uploads': { fileName: 'X', size: 1, sha256: 'a'.repeat(64) },
  'POST /api/staff': { email: 'x@x.example', name: 'X', roles: ['administrator'] },
  'PATCH /api/staff/{email}': { roles: ['administrator'] },
  'POST /api/keys': { name: 'X', roles: ['administrator'] },
  'PATCH /api/settings': { company: 'X' },
}

/** A path with real ids of one customer. */
async function filled(path: string, customerId: string): Promise<string> {
  const get = async (what: string) => (await t.ask('GET', `/api/customers/${customerId}/${what}`)).body.items ?? []
  const [{ id: folderId } = { id: 'fld_X' }] = await get('folders')
  const [{ id: documentId } = { id: 'doc_X' }] = await get('documents')
  const [{ id: contactId } = { id: 'con_X' }] = await get('contacts')
  const [{ id: grantId } = { id: 'grt_X' }] = await get('grants')
  const values: Record<string, string> = {
    ...{ customer: customerId, folder: folderId, document: documentId, contact: contactId, grant: grantId },
    ...{ n: '1', email: 'ada@archive.example', key: 'key_X' },
  }
  return path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? 'X')
}

/** Everything in the table but what reading leaves there. */
async function state(): Promise<string> {
  const journals = await Promise.all([a, b].map(({ id }) => t.ask('GET', `/api/customers/${id}/journal?limit=100`)))
  const own = await t.ask('GET', '/api/journal?limit=100')
  const customers = await t.ask('GET', '/api/customers?limit=200')
  return JSON.stringify([...journals, own, customers].map(({ body }) => body))
}

const summary = ({ status, body }: Answer) => ({ status, body })

describe('every operation of the API', () => {
  it('is known to these tests', async () => {
    const all = await operations()
    expect(all.length).toBeGreaterThan(30)
    const withBody = all.filter(({ hasBody }) => hasBody).map(({ method, path }) => `${method} ${path}`)
    expect(withBody.sort()).toEqual(Object.keys(BODIES).sort())
  })

  it('answers 401 to whoever is not signed in, before it looks at anything they sent', async () => {
    const before = await state()
    for (const { method, path, open } of await operations()) {
      if (open) continue
      const url = await filled(path, a.id)
      const bodies =
        method === 'GET' || method === 'DELETE' ? [undefined] : [undefined, BODIES[`${method} ${path}`], '{', { no: 1 }]
      for (const body of bodies) {
        for (const who of [{}, { cookie: 'registratur.session_token=forged.signature' }]) {
          const answer = await t.ask(method, url, body, who)
          expect([method, path, answer.status, answer.body.code]).toEqual([method, path, 401, 'sign-in-required'])
          expect(answer.headers.get('content-type')).toContain('application/problem+json')
        }
      }
    }
    expect((await operations()).filter(({ open }) => open).map(({ path }) => path)).toEqual(['/api/health', '/api/me'])
    expect(await state()).toBe(before)
  })

  it('tells a contact of another customer exactly what it tells of one that doesn’t exist', async () => {
    await t.file(a.id, await folder(), someBytes(), { final: true })
    const before = await state()
    for (const { method, path } of await operations()) {
      if (!path.includes('{customer}')) continue
      const body = BODIES[`${method} ${path}`]
      const real = await filled(path, a.id)
      const invented = real.replace(a.id, 'CUS-9999')
      const [foreign, unknown] = [await t.ask(method, real, body, lou), await t.ask(method, invented, body, lou)]
      expect([method, path, summary(foreign)]).toEqual([method, path, summary(unknown)])
      expect([path, [403, 404].includes(foreign.status)]).toEqual([path, true])
    }
    expect(await state()).toBe(before)
  })

  it('tells a contact of what it may not see exactly what it tells of what doesn’t exist', async () => {
    const hidden = await file(await folder())
    const paths = ['', '/versions', '/versions/1/content', '/versions/1/content?disposition=inline']
    for (const path of paths) {
      const [unseen, unknown] = [
        await asKim(documentPath(hidden.id, path)),
        await asKim(documentPath('doc_01ARZ3NDEKTSV4RRFFQ69G5FAV', path)),
      ]
      expect([path, summary(unseen)]).toEqual([path, summary(unknown)])
      expect(unseen.status).toBe(404)
    }
    const inFolder = (id: string) => asKim(customerPath(`/documents?folder=${id}`))
    expect(summary(await inFolder(hidden.folderId))).toEqual(summary(await inFolder('fld_nobody')))
  })

  it('changes nothing for a contact, except handing in where that is granted', async () => {
    const before = await state()
    for (const { method, path, open } of await operations()) {
      if (method === 'GET' || open) continue
      const { status } = await t.ask(method, await filled(path, a.id), BODIES[`${method} ${path}`], lou)
      expect([method, path, [403, 404].includes(status)]).toEqual([method, path, true])
    }
    expect(await state()).toBe(before)
  })

  it('leaves administration to administrators', async () => {
    const forAdministrators = [
      'GET /api/staff',
      'POST /api/staff',
      'PATCH /api/staff/{email}',
      'GET /api/keys',
      'POST /api/keys',
      'DELETE /api/keys/{key}',
      'GET /api/settings',
      'PATCH /api/settings',
      'GET /api/journal',
      'POST /api/customers/{customer}/restore',
      'POST /api/customers/{customer}/merge',
    ]
    for (const { method, path, open } of await operations()) {
      if (open || path === '/api/shared' || path === '/api/customers') continue
      const name = `${method} ${path}`
      const { status, body } = await t.ask(method, await filled(path, 'CUS-9999'), BODIES[name], clerk)
      expect([name, status === 403 && body.code === 'forbidden']).toEqual([name, forAdministrators.includes(name)])
    }
  })
})

describe('a link to content', () => {
  it('is good for the method it was asked with, and for this version only', async () => {
    const document = await file(await folder())
    const path = documentPath(document.id, '/versions/1/content')
    const [forGet, forHead] = [await t.ask('GET', path), await head(path, { key: t.key })]
    expect([forGet.status, forHead.status]).toEqual([302, 302])
    expect(forGet.headers.get('cache-control')).toContain('no-store')
    const request = async (link: { headers: Headers }, method: string) =>
      (await t.archive.app.request(link.headers.get('location') ?? '', { method })).status
    expect([await request(forGet, 'GET'), await request(forGet, 'HEAD')]).toEqual([200, 403])
    expect([await request(forHead, 'HEAD'), await request(forHead, 'GET')]).toEqual([200, 403])
    for (const method of ['PUT', 'POST', 'DELETE']) expect(await request(forGet, method)).toBeGreaterThanOrEqual(400)
    const url = forGet.headers.get('location') ?? ''
    const token = url.slice(url.lastIndexOf('/') + 1)
    const [payload = '', signature = ''] = token.split('.')
    const forged = Buffer.from(payload, 'base64url')
      .toString()
      .replace(/"expires":\d+/, '"expires":9999999999999')
    for (const other of [
      `${Buffer.from(forged).toString('base64url')}.${signature}`,
      `${payload}.`,
      payload,
      `${token}.x`,
      '..',
      '%2e%2e%2fkeys%2furl.key',
    ]) {
      expect((await t.archive.app.request(`http://localhost:4321/store/vault/${other}`)).status).toBeGreaterThanOrEqual(
        400,
      )
    }
  })

  it('is journalled before it is given, once in ten minutes and per person', async () => {
    const document = await file(await folder())
    await share({ folderId: document.folderId })
    const opened = async () => {
      const { items } = (await t.ask('GET', customerPath(`/journal?document=${document.id}`))).body
      return items.filter(({ action }: Json) => action === 'content.opened').map(({ actor }: Json) => actor.kind)
    }
    const path = documentPath(document.id, '/versions/1/content')
    await asKim(path)
    await asKim(path)
    expect(await opened()).toEqual(['contact'])
    await t.ask('GET', path)
    expect(await opened()).toEqual(['machine', 'contact'])
    now = new Date(START.getTime() + 10 * 60_000 + 1000)
    await asKim(path)
    expect(await opened()).toEqual(['contact', 'machine', 'contact'])
  })

  it.each([
    ['page.html', 'text/html'],
    ['page.xhtml', 'application/xhtml+xml'],
    ['image.svg', 'image/svg+xml'],
    ['script.js', 'text/javascript'],
    ['script.mjs', 'application/javascript; charset=utf-8'],
    ['feed.xml', 'text/xml'],
    ['sheet.xsl', 'application/xslt+xml'],
    ['style.css', 'text/css'],
    ['archive.mhtml', 'multipart/related'],
    ['disguised.pdf', 'TEXT/HTML'],
    ['worker.wasm', 'application/wasm'],
  ])('to %s (%s) never runs in our origin', async (fileName, contentType) => {
    const bytes = Buffer.from(
      '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>',
    )
    const place = await t.folderOf(a.id)
    const uploadId = await t.upload(bytes, fileName, undefined, contentType)
    const input = { uploadId, folderId: place.id, recordClass: 'report', title: fileName, documentDate: '2026-01-01' }
    const { body } = await t.ask('POST', customerPath('/documents'), input)
    const path = documentPath(body.id, '/versions/1/content')
    const refused = await t.ask('GET', `${path}?disposition=inline`)
    expect([refused.status, refused.body.code]).toEqual([422, 'no-preview'])
    const { status, headers } = await t.download(path)
    expect(status).toBe(200)
    expect(headers.get('content-type')).toBe('application/octet-stream')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-disposition')).toMatch(/^attachment/)
    expect(headers.get('content-security-policy')).toMatch(/default-src 'none'.*sandbox/)
    expect(headers.get('cache-control')).toContain('no-store')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })

  it('to something harmless is shown inline, still sandboxed unless it is a PDF', async () => {
    const place = await t.folderOf(a.id)
    for (const [fileName, contentType, served] of [
      ['a.png', 'image/png', 'image/png'],
      ['a.txt', 'text/plain', 'text/plain; charset=utf-8'],
      ['a.pdf', 'application/pdf', 'application/pdf'],
    ]) {
      const uploadId = await t.upload(someBytes(), fileName, undefined, contentType)
      const input = { uploadId, folderId: place.id, recordClass: 'report', title: 'X', documentDate: '2026-01-01' }
      const { body } = await t.ask('POST', customerPath('/documents'), input)
      const { headers } = await t.download(documentPath(body.id, '/versions/1/content?disposition=inline'))
      expect(headers.get('content-type')).toBe(served)
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('content-disposition')).toMatch(/^inline/)
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
      if (fileName !== 'a.pdf') expect(headers.get('content-security-policy')).toContain('sandbox')
    }
  })

  it('names the file safely, whatever it is called', async () => {
    const place = await t.folderOf(a.id)
    for (const fileName of [
      '"; filename="evil.exe',
      'Größe – 見積書.pdf',
      "a'b(c)*.pdf",
      'x'.repeat(255),
      '%0d%0aX: y',
    ]) {
      const uploadId = await t.upload(someBytes(), fileName)
      const input = { uploadId, folderId: place.id, recordClass: 'report', title: 'X', documentDate: '2026-01-01' }
      const { body } = await t.ask('POST', customerPath('/documents'), input)
      const { headers } = await t.download(documentPath(body.id, '/versions/1/content'))
      const header = headers.get('content-disposition') ?? ''
      expect(header).toMatch(/^attachment; filename="[^"\\%\r\n]*"(; filename\*=UTF-8''[\w%.~!#$&+^`|-]+)?$/)
      const encoded = header.match(/filename\*=UTF-8''(.*)$/)?.[1]
      const plain = header.match(/filename="([^"]*)"/)?.[1]
      expect(encoded === undefined ? plain : decodeURIComponent(encoded)).toBe(fileName)
    }
  })
})

describe('requests that another site makes a browser send', () => {
  const foreign = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://localhost:4321.evil.example' },
    { origin: 'http://localhost:4322' },
    { origin: 'https://localhost:4321' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { origin: 'https://evil.example', 'sec-fetch-site': 'same-origin' },
  ]

  it.each(foreign)('are refused with %j and a cookie, on every unsafe method', async (headers) => {
    const before = await state()
    for (const [method, path, body] of [
      ['POST', '/api/customers', { type: 'company', name: 'X' }],
      ['PATCH', customerPath(), { notes: 'csrf' }],
      ['DELETE', customerPath('/grants/grt_X'), undefined],
      ['POST', customerPath('/archive'), undefined],
      ['PUT', customerPath(), {}],
    ] as const) {
      const { status, body: problem } = await t.ask(method, path, body, kim, headers)
      expect([method, status, problem.code]).toEqual([method, 403, 'foreign-origin'])
    }
    expect(await state()).toBe(before)
  })

  it('are served from our own origin, by its other names, and for machines', async () => {
    const staff = await t.signIn('ada@archive.example')
    const create = (who: Who, headers: object) =>
      t.ask('POST', '/api/customers', { type: 'company', name: 'Eigen' }, who, headers)
    for (const origin of ['http://localhost:4321', 'http://127.0.0.1:4321', 'http://[::1]:4321']) {
      expect((await create(staff, { origin })).status).toBe(201)
    }
    expect((await create(staff, { 'sec-fetch-site': 'same-origin' })).status).toBe(201)
    expect((await create(staff, {})).status).toBe(201)
    expect((await create({ key: t.key }, { origin: 'https://evil.example' })).status).toBe(201)
    expect((await create({ key: t.key, cookie: staff.cookie }, { origin: 'https://evil.example' })).status).toBe(201)
  })

  it('get no permission to read answers across origins', async () => {
    const { headers } = await t.ask('GET', '/api/customers', undefined, undefined, { origin: 'https://evil.example' })
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
  })
})
