import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, sha256, someBytes, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
let customer: Json
let folder: Json
let documents: string
beforeAll(async () => {
  t = await openTestArchive()
  customer = await t.customer()
  folder = await t.folderOf(customer.id)
  documents = `/api/customers/${customer.id}/documents`
})
afterAll(() => t.close())

const filed = (more: object = {}, bytes = someBytes()): Promise<Json> => t.file(customer.id, folder.id, bytes, more)
const get = async (id: string): Promise<Json> => (await t.ask('GET', `${documents}/${id}`)).body
const change = (id: string, patch: object, more = {}) => t.ask('PATCH', `${documents}/${id}`, patch, undefined, more)
const finalise = (id: string, more = {}) => t.ask('POST', `${documents}/${id}/finalise`, undefined, undefined, more)
const discard = (id: string, reason = 'Irrtum', more = {}) =>
  t.ask('POST', `${documents}/${id}/discard`, { reason }, undefined, more)
const versions = async (id: string): Promise<Json[]> => (await t.ask('GET', `${documents}/${id}/versions`)).body.items
const journalOf = async (id: string): Promise<Json[]> =>
  (await t.ask('GET', `/api/customers/${customer.id}/journal?document=${id}`)).body.items

async function add(id: string, reason?: string, bytes = someBytes(), more = {}) {
  return t.ask('POST', `${documents}/${id}/versions`, { uploadId: await t.upload(bytes), reason }, undefined, more)
}

describe('filing', () => {
  it('keeps what was said, computes how long and why, and starts as a draft', async () => {
    const bytes = someBytes(1234)
    const document = await filed({ number: 'RE-2026/1', tags: ['eilig', 'EDV'], title: '  Rechnung März ' }, bytes)
    expect(document).toMatchObject({
      customerId: customer.id,
      folderId: folder.id,
      recordClass: 'invoice',
      title: 'Rechnung März',
      number: 'RE-2026/1',
      documentDate: '2026-03-05',
      tags: ['eilig', 'EDV'],
      status: 'draft',
      version: 1,
      fileName: 'paper.pdf',
      mediaType: 'application/pdf',
      size: 1234,
      sha256: sha256(bytes),
      retainUntil: '2034-12-31',
      rev: 1,
      createdBy: { name: 'administrator' },
    })
    expect(document.finalVersion).toBeUndefined()
    expect(document.retention.explanation).toMatch(/^8 years from 31 Dec 2026: invoice/)
    expect(await get(document.id)).toEqual(document)
    const [entry] = await journalOf(document.id)
    expect(entry).toMatchObject({
      action: 'document.filed',
      details: { title: 'Rechnung März', sha256: sha256(bytes) },
    })
  })

  it('may be final at once', async () => {
    const document = await filed({ final: true })
    expect(document).toMatchObject({ status: 'final', version: 1, finalVersion: 1 })
    expect(await versions(document.id)).toMatchObject([{ n: 1, status: 'final' }])
    expect((await versions(document.id))[0].finalisedAt).toBeDefined()
  })

  it('gives back exactly the bytes', async () => {
    const bytes = someBytes(70_000)
    const document = await filed({}, bytes)
    const got = await t.download(`${documents}/${document.id}/versions/1/content`)
    expect([got.status, sha256(got.bytes)]).toEqual([200, sha256(bytes)])
    expect(got.headers.get('content-disposition')).toBe('attachment; filename="paper.pdf"')
  })

  it('locks a final version until its retention ends', async () => {
    const document = await filed({ final: true, documentDate: '2024-02-29' })
    await t.archive.worker.idle()
    const { items } = await t.archive.vault.list(`customers/${customer.id}/${document.id}/`)
    const [object] = items
    if (!object) throw new Error('nothing in the vault')
    expect(await t.archive.vault.head(object)).toMatchObject({
      lockUntil: '2032-12-31T23:00:00.000Z',
      lockMode: 'GOVERNANCE',
    })
  })

  it.each([
    ['an unknown folder', { folderId: 'fld_nobody' }, 404, 'folder-not-found'],
    ['an unknown upload', { uploadId: 'upl_nobody' }, 404, 'upload-not-found'],
    ['a key as a folder', { folderId: '../tree' }, 404, 'folder-not-found'],
    ['no title', { title: ' ' }, 422, 'invalid-input'],
    ['a title of 1,000 characters', { title: 'x'.repeat(1000) }, 422, 'invalid-input'],
    ['a reversed title', { title: 'a\u202eb' }, 422, 'invalid-input'],
    ['a NUL in the number', { number: 'RE\0' }, 422, 'invalid-input'],
    ['an unknown class', { recordClass: 'memo' }, 422, 'invalid-input'],
    ['a day that never was', { documentDate: '2026-02-30' }, 422, 'invalid-input'],
    ['a time', { documentDate: '2026-02-20T00:00:00Z' }, 422, 'invalid-input'],
    ['the year 3000', { documentDate: '3000-01-01' }, 422, 'invalid-input'],
    ['21 tags', { tags: Array(21).fill('x') }, 422, 'invalid-input'],
    ['an unknown field', { retainUntil: '2030-01-01' }, 422, 'invalid-input'],
  ])('is refused with %s, and the upload can still be filed', async (_what, wrong, status, code) => {
    const uploadId = await t.upload(someBytes())
    const input = { uploadId, folderId: folder.id, recordClass: 'invoice', title: 'T', documentDate: '2026-01-01' }
    const refused = await t.ask('POST', documents, { ...input, ...wrong })
    expect([refused.status, refused.body.code]).toEqual([status, code])
    expect((await t.ask('POST', documents, input)).status).toBe(201)
  })

  it('stays within the customer: another one’s folder is unknown', async () => {
    const other = await t.customer('Andere')
    const foreign = await t.folderOf(other.id)
    const input = {
      uploadId: await t.upload(someBytes()),
      folderId: foreign.id,
      recordClass: 'invoice',
      title: 'T',
      documentDate: '2026-01-01',
    }
    expect((await t.ask('POST', documents, input)).body.code).toBe('folder-not-found')
    expect((await t.ask('POST', '/api/customers/CUS-9999/documents', input)).body.code).toBe('customer-not-found')
    const document = await filed()
    expect((await change(document.id, { folderId: foreign.id })).body.code).toBe('folder-not-found')
    expect((await t.ask('GET', `/api/customers/${other.id}/documents/${document.id}`)).body.code).toBe(
      'document-not-found',
    )
  })
})

describe('changing what is said of a document', () => {
  it('changes metadata and folder, recomputes retention, never touches content', async () => {
    const document = await filed({ final: true, number: 'A-1' })
    await t.archive.worker.idle()
    const prefix = `customers/${customer.id}/${document.id}/`
    const before = (await t.archive.vault.list(prefix)).items
    const target = await t.folderOf(customer.id, 'Orders')
    const patch = {
      title: 'Auftrag',
      recordClass: 'order',
      folderId: target.id,
      number: null,
      documentDate: '2025-05-05',
      tags: ['x'],
      reason: 'is the order, not the invoice',
    }
    const { status, body, headers } = await change(document.id, patch)
    expect(status).toBe(200)
    expect(body).toMatchObject({
      title: 'Auftrag',
      folderId: target.id,
      retainUntil: '2031-12-31',
      rev: 2,
      sha256: document.sha256,
      version: 1,
    })
    expect(body.number).toBeUndefined()
    expect(headers.get('etag')).toBe('"2"')
    expect((await t.archive.vault.list(prefix)).items).toEqual(before)
    const inFolder = async (id: string) =>
      (await t.ask('GET', `${documents}?folder=${id}`)).body.items.map((each: Json) => each.id)
    expect(await inFolder(target.id)).toContain(document.id)
    expect(await inFolder(folder.id)).not.toContain(document.id)
    const [entry] = await journalOf(document.id)
    expect(entry.details.changes).toMatchObject({
      title: { from: 'Invoice', to: 'Auftrag' },
      number: { from: 'A-1', to: null },
    })
  })

  it('shortens the retention of a final document only with a reason, only by an administrator, and journals it', async () => {
    const document = await filed({ final: true })
    const patch = { recordClass: 'quote', documentDate: '1990-01-01' }
    const path = `/api/customers/${customer.id}/documents/${document.id}`
    const clerk = { key: await t.keyFor('clerk') }
    expect((await t.ask('PATCH', path, { ...patch, reason: 'typing error' }, clerk)).status).toBe(403)
    expect((await t.ask('PATCH', path, patch)).body).toMatchObject({ status: 422, code: 'shortens-retention' })
    expect((await t.ask('GET', path)).body.retainUntil).toBe(document.retainUntil)
    expect((await t.ask('PATCH', path, { documentDate: '2027-01-01' }, clerk)).status).toBe(200)

    expect((await t.ask('PATCH', path, { ...patch, reason: 'typing error' })).status).toBe(200)
    const { items } = (await t.ask('GET', `/api/customers/${customer.id}/journal?document=${document.id}`)).body
    expect(items[0].details).toMatchObject({
      reason: 'typing error',
      retention: { from: '2035-12-31', to: '1996-12-31', shorter: true },
    })
  })

  it('honours If-Match', async () => {
    const { id } = await filed()
    expect((await change(id, { title: 'Eins' }, { 'if-match': '"1"' })).status).toBe(200)
    expect(await change(id, { title: 'Zwei' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'stale', rev: 2 },
    })
    expect(await finalise(id, { 'if-match': '"1"' })).toMatchObject({ status: 412 })
    expect(await discard(id, 'x', { 'if-match': '"1"' })).toMatchObject({ status: 412 })
    expect(await add(id, 'x', someBytes(), { 'if-match': '"1"' })).toMatchObject({ status: 412 })
    expect(await get(id)).toMatchObject({ title: 'Eins', rev: 2, version: 1, status: 'draft' })
  })

  it('can’t be used to change what the archive says of it', async () => {
    const { id } = await filed()
    for (const no of [
      { sha256: 'a'.repeat(64) },
      { status: 'final' },
      { version: 2 },
      { customerId: 'CUS-0002' },
      { createdBy: {} },
      { title: null },
    ]) {
      expect((await change(id, no)).body.code).toBe('invalid-input')
    }
  })

  it('sets the end of a contract, and with it the end of its retention', async () => {
    const contract = await filed({ recordClass: 'contract' })
    expect(contract.retainUntil).toBeNull()
    expect((await change(contract.id, { contractEnd: '2026-06-30' })).body.retainUntil).toBe('2032-12-31')
    expect((await change(contract.id, { contractEnd: null })).body.retainUntil).toBeNull()
  })
})

describe('versions', () => {
  it('are numbered in order and each keeps its bytes', async () => {
    const [one, two] = [someBytes(), someBytes()]
    const document = await filed({}, one)
    const { status, body } = await add(document.id, undefined, two)
    expect(status).toBe(201)
    expect(body).toMatchObject({ n: 2, status: 'draft', sha256: sha256(two) })
    expect((await versions(document.id)).map(({ n, sha256: hash }) => [n, hash])).toEqual([
      [2, sha256(two)],
      [1, sha256(one)],
    ])
    for (const [n, bytes] of [
      [1, one],
      [2, two],
    ] as const) {
      expect(sha256((await t.download(`${documents}/${document.id}/versions/${n}/content`)).bytes)).toBe(sha256(bytes))
    }
    expect(await get(document.id)).toMatchObject({ version: 2, sha256: sha256(two), rev: 2 })
  })

  it('correct a final one only with a reason, and leave it as it was', async () => {
    const document = await filed({ final: true })
    const without = await add(document.id)
    expect([without.status, without.body.code]).toEqual([422, 'reason-required'])
    expect((await add(document.id, '  ')).body.code).toBe('invalid-input')
    expect((await add(document.id, 'Betrag falsch')).body).toMatchObject({
      n: 2,
      status: 'draft',
      reason: 'Betrag falsch',
    })
    expect(await get(document.id)).toMatchObject({ version: 2, finalVersion: 1, status: 'draft' })
    expect((await finalise(document.id)).body).toMatchObject({ version: 2, finalVersion: 2, status: 'final' })
    expect((await versions(document.id)).map(({ status }) => status)).toEqual(['final', 'final'])
    const [, added] = await journalOf(document.id)
    expect(added).toMatchObject({ action: 'version.added', details: { reason: 'Betrag falsch' } })
  })

  it('are added once per upload', async () => {
    const { id } = await filed()
    const input = { uploadId: await t.upload(someBytes()), reason: 'neu' }
    const first = await t.ask('POST', `${documents}/${id}/versions`, input)
    const again = await t.ask('POST', `${documents}/${id}/versions`, input)
    expect([again.status, again.body]).toEqual([201, first.body])
    expect((await t.ask('POST', `${documents}/${id}/versions`, { ...input, reason: 'anders' })).body.code).toBe(
      'upload-used',
    )
    expect(await versions(id)).toHaveLength(2)
  })

  it('that don’t exist aren’t found', async () => {
    const { id } = await filed()
    expect((await t.ask('GET', `${documents}/${id}/versions/2/content`)).body.code).toBe('version-not-found')
    for (const n of ['0', '-1', 'x', '1.5', '1000000', '%00']) {
      expect((await t.ask('GET', `${documents}/${id}/versions/${n}/content`)).status).toBe(404)
    }
    expect((await t.ask('GET', `${documents}/doc_x/versions`)).body.code).toBe('document-not-found')
    expect((await t.ask('GET', `${documents}/${id}/versions/1/content?disposition=x`)).status).toBe(422)
  })
})

describe('finalising and discarding', () => {
  it('finalises once, harmlessly twice', async () => {
    const { id } = await filed()
    const first = await finalise(id)
    expect(first.body).toMatchObject({ status: 'final', finalVersion: 1, rev: 2 })
    expect((await finalise(id)).body).toEqual(first.body)
    expect((await journalOf(id)).filter(({ action }) => action === 'version.finalised')).toHaveLength(1)
  })

  it('discards a draft that was never final with a reason, and leaves nothing but its journal', async () => {
    const { id } = await filed()
    await add(id)
    expect((await discard(id, '')).body.code).toBe('invalid-input')
    expect((await discard(id, 'doppelt')).status).toBe(204)
    expect((await t.ask('GET', `${documents}/${id}`)).body.code).toBe('document-not-found')
    expect((await t.ask('GET', `${documents}/${id}/versions/1/content`)).body.code).toBe('document-not-found')
    expect((await journalOf(id))[0]).toMatchObject({ action: 'document.discarded', details: { reason: 'doppelt' } })
  })

  it('discards the drafts after a final version only, and gives no number twice', async () => {
    const bytes = someBytes()
    const { id } = await filed({ final: true }, bytes)
    await add(id, 'a')
    await add(id, 'b')
    const left = await discard(id)
    expect(left).toMatchObject({ status: 200, body: { version: 1, status: 'final', sha256: sha256(bytes) } })
    expect((await versions(id)).map(({ n }) => n)).toEqual([1])
    expect(await discard(id)).toMatchObject({ status: 409, body: { code: 'no-draft' } })
    expect((await add(id, 'c')).body.n).toBe(4)
  })

  it('discards more drafts than one transaction holds', async () => {
    const { id } = await filed({ final: true })
    for (let i = 0; i < 45; i++) await add(id, 'noch einer', new Uint8Array([i, 1, 2]))
    expect((await discard(id)).body).toMatchObject({ version: 1, status: 'final' })
    expect(await versions(id)).toHaveLength(1)
    expect((await t.ask('GET', `${documents}?sha256=${sha256(new Uint8Array([7, 1, 2]))}`)).body.items).toEqual([])
  })
})

describe('listing', () => {
  it('has a folder’s documents newest date first, all of a customer’s newest filing first, page by page', async () => {
    const own = await t.customer('Liste')
    const [a, b] = [await t.folderOf(own.id, 'Invoices'), await t.folderOf(own.id, 'Quotes')]
    const days = ['2024-01-05', '2026-01-05', '2025-01-05', '2025-01-05', '2023-01-05']
    for (const documentDate of days) await t.file(own.id, a.id, someBytes(), { documentDate })
    await t.file(own.id, b.id, someBytes(), { documentDate: '2020-01-01' })
    const pages = async (query: string): Promise<Json[]> => {
      const items: Json[] = []
      let cursor = ''
      do {
        const { body } = await t.ask(
          'GET',
          `/api/customers/${own.id}/documents?limit=2${query}${cursor && `&cursor=${cursor}`}`,
        )
        items.push(...body.items)
        cursor = body.cursor ?? ''
      } while (cursor)
      return items
    }
    expect((await pages(`&folder=${a.id}`)).map(({ documentDate }) => documentDate)).toEqual([...days].sort().reverse())
    const all = await pages('')
    expect(all).toHaveLength(6)
    expect(new Set(all.map(({ id }) => id)).size).toBe(6)
    expect(all[0].folderId).toBe(b.id)
  })

  it('finds the documents that have certain bytes in any version', async () => {
    const bytes = someBytes()
    const [one, two] = [await filed({}, bytes), await filed({ title: 'nochmal' })]
    await add(two.id, undefined, bytes)
    await add(two.id)
    const found = await t.ask('GET', `${documents}?sha256=${sha256(bytes)}`)
    expect(found.body.items.map(({ id }: Json) => id).sort()).toEqual([one.id, two.id].sort())
    expect((await t.ask('GET', `${documents}?sha256=${'0'.repeat(64)}`)).body.items).toEqual([])
    expect((await t.ask('GET', `${documents}?sha256=x`)).status).toBe(422)
    const other = await t.customer('Andere')
    expect((await t.ask('GET', `/api/customers/${other.id}/documents?sha256=${sha256(bytes)}`)).body.items).toEqual([])
  })

  it('knows only folders and customers that exist', async () => {
    expect((await t.ask('GET', `${documents}?folder=fld_x`)).body.code).toBe('folder-not-found')
    expect((await t.ask('GET', `${documents}?folder=`)).body.code).toBe('folder-not-found')
    expect((await t.ask('GET', '/api/customers/CUS-9999/documents')).body.code).toBe('customer-not-found')
  })
})
