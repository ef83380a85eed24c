import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Actor } from '@registratur/core/actor'
import { addContact, updateContact } from '@registratur/core/contact'
import type { Ctx } from '@registratur/core/ctx'
import { archiveCustomer, createCustomer, updateCustomer } from '@registratur/core/customer'
import { NewCustomer } from '@registratur/core/customer-fields'
import { getDocument, updateDocument } from '@registratur/core/document'
import { ArchiveError } from '@registratur/core/errors'
import { addVersion, discardDraft, fileDocument, finaliseDocument } from '@registratur/core/filing'
import { createFolder, deleteFolder, updateFolder } from '@registratur/core/folder'
import { createGrant, listGrants, revokeGrant } from '@registratur/core/grant'
import { mergeCustomers, moveMerged } from '@registratur/core/merge'
import type { Item, Table, Write } from '@registratur/core/ports'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Json, openTestArchive, sha256, someBytes, type TestArchive } from './kit.ts'

let t: TestArchive
let ctx: Ctx
beforeAll(async () => {
  t = await openTestArchive()
  // Merges are run by hand here, step by step.
  const actor: Actor = { kind: 'machine', id: 'key_test', name: 'Test', roles: ['administrator'] }
  ctx = { ...t.archive.context(), actor }
})
afterAll(() => t.close())

const times = <T>(n: number, make: (i: number) => T) => Array.from({ length: n }, (_, i) => make(i))
const rowsOf = async (customerId: string): Promise<Json[]> => {
  const items: Item[] = []
  let after: string | undefined
  do {
    const page = await ctx.table.query({ pk: `customer#${customerId}`, after })
    items.push(...page.items)
    after = page.after
  } while (after)
  return items
}

/** What can't be true of a customer's rows if every change was whole. */
async function problemsOf(customerId: string): Promise<string[]> {
  const rows = await rowsOf(customerId)
  const of = (prefix: string) => rows.filter(({ sk }) => sk.startsWith(prefix))
  const folders = new Map(of('file#folder#').map((row) => [row.id, row]))
  const documents = new Map(of('document#').map((row) => [row.id, row]))
  const problems: string[] = []
  const claim = (holds: boolean, problem: string) => holds || problems.push(problem)
  for (const { id } of folders.values()) {
    const seen = new Set<string>()
    for (let at = id; at !== undefined; at = folders.get(at)?.parentId) {
      claim(folders.has(at), `folder ${id} lies below ${at}, which is not there`)
      if (!folders.has(at) || seen.has(at)) {
        claim(!seen.has(at), `folder ${id} lies in a circle`)
        break
      }
      seen.add(at)
    }
    claim(!folders.get(id).closing, `folder ${id} was left closing`)
  }
  for (const document of documents.values()) {
    const { id, folderId, documentDate, latest, final, numbered } = document
    claim(folders.has(folderId), `document ${id} lies in ${folderId}, which is not there`)
    claim(document.customerId === customerId, `document ${id} says it is of ${document.customerId}`)
    const versions = of(`version#${id}#`)
    claim(
      versions.some(({ n }) => n === latest.n),
      `document ${id} lacks its newest version`,
    )
    claim(
      versions.every(({ n }) => n <= numbered),
      `document ${id} has an unnumbered version`,
    )
    if (final)
      claim(
        versions.some(({ n, status }) => n === final.n && status === 'final'),
        `document ${id} lacks its final version`,
      )
    const entries = of('entry#').filter((entry) => entry.id === id)
    claim(entries.length === 1, `document ${id} is listed ${entries.length} times`)
    claim(entries[0]?.sk === `entry#${folderId}#${documentDate}#${id}`, `document ${id} is listed elsewhere`)
    claim(entries[0]?.rev === document.rev, `document ${id} is listed as it was`)
    for (const { n, sha256: hash } of versions) {
      claim(
        of(`hash#${hash}#${id}#`).some((row) => row.n === n),
        `version ${n} of ${id} is not found by its hash`,
      )
    }
  }
  for (const { id } of of('entry#')) claim(documents.has(id), `a list names ${id}, which is not there`)
  for (const { documentId, n } of of('version#'))
    claim(documents.has(documentId), `version ${n} of ${documentId} is left over`)
  for (const { documentId } of of('hash#')) claim(documents.has(documentId), `a hash of ${documentId} is left over`)
  for (const { id, folderId } of of('file#grant#'))
    claim(!folderId || folders.has(folderId), `grant ${id} is on nothing`)
  for (const { id, email, portal } of of('file#contact#')) {
    if (!email || portal === 'blocked') continue
    const member = await ctx.table.get({ pk: `email#${email}`, sk: `membership#${customerId}#${id}` })
    claim(member !== undefined, `contact ${id} can’t sign in`)
  }
  const journal = of('journal#')
  claim(journal.length === of('details#').length, 'a journal entry lacks its details')
  return problems
}

/** The code with which a call was refused, or `done`. */
const outcome = (call: Promise<unknown>): Promise<string> =>
  call.then(
    () => 'done',
    (error) => {
      if (error instanceof ArchiveError) return error.code
      throw error
    },
  )

/** A table that does something else just before its k-th operation. */
function interrupted(k: number, by: () => Promise<unknown>): { table: Table; reached(): boolean } {
  let operations = 0
  const before = async () => {
    operations += 1
    if (operations === k) await by()
  }
  const { table } = ctx
  return {
    reached: () => operations >= k,
    table: {
      ...table,
      get: (key) => before().then(() => table.get(key)),
      getMany: (keys) => before().then(() => table.getMany(keys)),
      query: (query) => before().then(() => table.query(query)),
      transact: (writes) => before().then(() => table.transact(writes)),
    },
  }
}

/** Run `other` at each point in which it can come between what `one` reads and writes. */
async function atEveryPoint(
  setUp: () => Promise<{
    one(ctx: Ctx): Promise<unknown>
    other(): Promise<unknown>
    check(one: string, other: string): Promise<void>
  }>,
): Promise<Set<string>> {
  const seen = new Set<string>()
  for (let k = 1; ; k++) {
    const { one, other, check } = await setUp()
    let second = ''
    const { table, reached } = interrupted(k, async () => {
      second = await outcome(other())
    })
    const first = await outcome(one({ ...ctx, table }))
    if (!reached()) return seen
    seen.add(`${first}, ${second}`)
    await check(first, second)
    expect(k).toBeLessThan(200)
  }
}

const upload = () => t.upload(someBytes(50), 'paper.pdf')
const input = (uploadId: string, folderId: string) => ({
  ...{ uploadId, folderId, recordClass: 'invoice' as const, title: 'T', documentDate: '2026-01-01' },
  ...{ tags: [], final: false },
})
const company = (name = 'Muster GmbH') => createCustomer(ctx, NewCustomer.parse({ type: 'company', name }))
const fileInto = async (customerId: string, folderId: string, more: object = {}) =>
  fileDocument(ctx, customerId, { ...input(await upload(), folderId), ...more })

describe('customers created at once', () => {
  it('have a number each, and none waits for another or tries twice', async () => {
    const first = Number((await company()).id.slice(4))
    const transact = vi.spyOn(t.archive.table, 'transact')
    const answers = await Promise.all(
      times(100, (i) => t.ask('POST', '/api/customers', { type: 'company', name: `Gleichzeitig ${i}` })),
    )
    expect(transact).toHaveBeenCalledTimes(100)
    transact.mockRestore()
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    const numbers = answers.map(({ body }) => Number(body.id.slice(4))).sort((a, b) => a - b)
    expect(numbers).toEqual(times(100, (i) => first + 1 + i))
    for (const { body } of answers) expect(await problemsOf(body.id)).toEqual([])
    const listed: string[] = []
    let cursor = ''
    do {
      const page = (await t.ask('GET', `/api/customers?search=gleichzeitig&limit=30${cursor && `&cursor=${cursor}`}`))
        .body
      listed.push(...page.items.map(({ id }: Json) => id))
      cursor = page.cursor ?? ''
    } while (cursor)
    expect(listed.sort()).toEqual(answers.map(({ body }) => body.id).sort())
  })

  it('and changed at once keep every change', async () => {
    const { id } = await company()
    const patches = [
      { name: 'Neu' },
      { notes: 'N' },
      { language: 'de' },
      { vatId: 'DE123456789' },
      { registerNumber: 'HRB 1' },
    ]
    const answers = await Promise.all(patches.map((patch) => t.ask('PATCH', `/api/customers/${id}`, patch)))
    expect(answers.map(({ status }) => status)).toEqual(patches.map(() => 200))
    expect((await t.ask('GET', `/api/customers/${id}`)).body).toMatchObject({
      ...Object.assign({}, ...patches),
      rev: 6,
    })
  })

  it('and changed at once on the same revision, one is told', async () => {
    const { id } = await company()
    const answers = await Promise.all(
      times(5, (i) => t.ask('PATCH', `/api/customers/${id}`, { name: `N${i}` }, undefined, { 'if-match': '"1"' })),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412, 412])
  })

  it('leave one set of pointers in the list, whoever changes or archives them meanwhile', async () => {
    await atEveryPoint(async () => {
      const { id } = await company('Vorher Eins')
      return {
        one: (c) => updateCustomer(c, id, { name: 'Nachher Zwei' }),
        other: () => archiveCustomer(ctx, id),
        check: async () => {
          const row = (await ctx.table.get<Json>({ pk: `customer#${id}`, sk: 'file#customer' })) as Json
          const { items } = await ctx.table.query<Json>({ pk: 'directory#open' })
          const mine = items.filter((each) => each.id === id)
          expect(new Set(mine.map(({ status, name }) => `${status} ${name}`))).toEqual(
            new Set([`${row.status} ${row.data.name}`]),
          )
        },
      }
    })
  })
})

describe('versions added at once', () => {
  it('are all there, in order, each with its own bytes', async () => {
    const { id } = await company()
    const folder = await t.folderOf(id)
    const document = await fileInto(id, folder.id)
    const contents = times(20, () => someBytes(100))
    const uploads = await Promise.all(contents.map((bytes) => t.upload(bytes)))
    const path = `/api/customers/${id}/documents/${document.id}`
    const answers = await Promise.all(uploads.map((uploadId) => t.ask('POST', `${path}/versions`, { uploadId })))
    expect(answers.map(({ status, body }) => body.code ?? status)).toEqual(answers.map(() => 201))
    expect(answers.map(({ body }) => body.n).sort((a, b) => a - b)).toEqual(times(20, (i) => i + 2))
    const { items } = (await t.ask('GET', `${path}/versions`)).body
    expect(items.map(({ n }: Json) => n)).toEqual(times(21, (i) => 21 - i))
    for (const [i, { body }] of answers.entries()) {
      expect(body.sha256).toBe(sha256(contents[i] ?? someBytes()))
      expect(sha256((await t.download(`${path}/versions/${body.n}/content`)).bytes)).toBe(body.sha256)
    }
    expect((await t.ask('GET', path)).body).toMatchObject({ version: 21, rev: 21 })
    expect(await problemsOf(id)).toEqual([])
  })

  it('on the same revision: one is added, the others are told', async () => {
    const { id } = await company()
    const document = await fileInto(id, (await t.folderOf(id)).id)
    const uploads = await Promise.all(times(5, upload))
    const answers = await Promise.all(
      uploads.map((uploadId) =>
        t.ask('POST', `/api/customers/${id}/documents/${document.id}/versions`, { uploadId }, undefined, {
          'if-match': '"1"',
        }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 412, 412, 412, 412])
  })

  it('are not made final unseen: finalising takes what is newest, whole', async () => {
    const seen = await atEveryPoint(async () => {
      const { id } = await company()
      const document = await fileInto(id, (await t.folderOf(id)).id)
      const uploadId = await upload()
      return {
        one: (c) => finaliseDocument(c, id, document.id),
        other: () => addVersion(ctx, id, document.id, { uploadId, reason: 'neu' }),
        check: async () => {
          expect(await problemsOf(id)).toEqual([])
          expect(await getDocument(ctx, id, document.id)).toMatchObject({ version: 2 })
        },
      }
    })
    expect(seen).toEqual(new Set(['done, done']))
  })

  it('are not lost to a discard, nor is the discard to them', async () => {
    await atEveryPoint(async () => {
      const { id } = await company()
      const document = await fileInto(id, (await t.folderOf(id)).id)
      const uploadId = await upload()
      return {
        one: (c) => addVersion(c, id, document.id, { uploadId }),
        other: () => discardDraft(ctx, id, document.id, { reason: 'weg' }),
        check: async (added) => {
          expect(await problemsOf(id)).toEqual([])
          expect(added).toBe('document-not-found')
        },
      }
    })
  })
})

describe('one upload filed several times at once', () => {
  it('is one document', async () => {
    const { id } = await company()
    const folder = await t.folderOf(id)
    const body = input(await upload(), folder.id)
    const answers = await Promise.all(times(6, () => t.ask('POST', `/api/customers/${id}/documents`, body)))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1)
    expect((await t.ask('GET', `/api/customers/${id}/documents`)).body.items).toHaveLength(1)
    const { items } = (await t.ask('GET', `/api/customers/${id}/journal`)).body
    expect(items.filter(({ action }: Json) => action === 'document.filed')).toHaveLength(1)
    expect(await problemsOf(id)).toEqual([])
  })

  it('as different things is one of them', async () => {
    const { id } = await company()
    const folder = await t.folderOf(id)
    const document = await fileInto(id, folder.id)
    const uploadId = await upload()
    const answers = await Promise.all([
      t.ask('POST', `/api/customers/${id}/documents`, input(uploadId, folder.id)),
      t.ask('POST', `/api/customers/${id}/documents`, { ...input(uploadId, folder.id), title: 'Anders' }),
      t.ask('POST', `/api/customers/${id}/documents/${document.id}/versions`, { uploadId }),
    ])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    expect(answers.filter(({ status }) => status === 409).every(({ body }) => body.code === 'upload-used')).toBe(true)
    expect(await problemsOf(id)).toEqual([])
  })

  it('at every point of each other is one document', async () => {
    await atEveryPoint(async () => {
      const { id } = await company()
      const body = input(await upload(), (await t.folderOf(id)).id)
      return {
        one: (c) => fileDocument(c, id, body),
        other: () => fileDocument(ctx, id, body),
        check: async (first, second) => {
          expect([first, second]).toEqual(['done', 'done'])
          expect((await rowsOf(id)).filter(({ sk }) => sk.startsWith('document#'))).toHaveLength(1)
          expect(await problemsOf(id)).toEqual([])
        },
      }
    })
  })
})

describe('folders changed at once', () => {
  const folderIn = async (customerId: string, name: string, parentId?: string) =>
    (await createFolder(ctx, customerId, { name, parentId })).id

  it('never form a circle, wherever two crossing moves meet', async () => {
    const seen = await atEveryPoint(async () => {
      const { id } = await company()
      const [a, b] = [await folderIn(id, 'A'), await folderIn(id, 'B')]
      const below = await folderIn(id, 'C', b)
      return {
        one: (c) => updateFolder(c, id, a, { parentId: below }),
        other: () => updateFolder(ctx, id, b, { parentId: a }),
        check: async () => expect(await problemsOf(id)).toEqual([]),
      }
    })
    expect(seen).toEqual(new Set(['folder-cycle, done']))
  })

  it('stay a tree under a storm of moves', async () => {
    const { id } = await company()
    const folders = await Promise.all(times(8, (i) => folderIn(id, `F${i}`)))
    let seed = 7
    const random = (n: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648
      return Math.floor((seed / 2147483648) * n)
    }
    for (let round = 0; round < 10; round++) {
      const answers = await Promise.all(
        times(10, () =>
          t.ask('PATCH', `/api/customers/${id}/folders/${folders[random(8)]}`, {
            parentId: random(4) === 0 ? null : folders[random(8)],
          }),
        ),
      )
      for (const { status, body } of answers) expect(['200', 'folder-cycle']).toContain(body.code ?? String(status))
      expect(await problemsOf(id)).toEqual([])
    }
    const count = (nodes: Json[]): number => nodes.reduce((sum, { children }) => sum + 1 + count(children), 0)
    expect(count((await t.ask('GET', `/api/customers/${id}/folders`)).body.items)).toBe(8 + 5)
  })

  it('don’t get the same name', async () => {
    const { id } = await company()
    const answers = await Promise.all(times(6, () => t.ask('POST', `/api/customers/${id}/folders`, { name: 'Gleich' })))
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409, 409])
  })

  it('are never deleted around a document that is being filed', async () => {
    const given = async () => {
      const { id } = await company()
      const folder = await folderIn(id, 'Weg')
      const body = input(await upload(), folder)
      const check = async () => expect(await problemsOf(id)).toEqual([])
      return { id, folder, body, check }
    }
    const filing = await atEveryPoint(async () => {
      const { id, folder, body, check } = await given()
      return { one: (c) => fileDocument(c, id, body), other: () => deleteFolder(ctx, id, folder), check }
    })
    const deleting = await atEveryPoint(async () => {
      const { id, folder, body, check } = await given()
      return { one: (c) => deleteFolder(c, id, folder), other: () => fileDocument(ctx, id, body), check }
    })
    expect(filing).toEqual(new Set(['folder-not-found, done']))
    expect(deleting).toEqual(new Set(['folder-not-empty, done', 'done, folder-not-found']))
  })

  it('are never deleted around a document or a folder that is being moved into them', async () => {
    const given = async () => {
      const { id } = await company()
      const folder = await folderIn(id, 'Weg')
      const check = async () => expect(await problemsOf(id)).toEqual([])
      return {
        id,
        folder,
        document: await fileInto(id, (await t.folderOf(id)).id),
        mover: await folderIn(id, 'M'),
        check,
      }
    }
    for (const swap of [false, true]) {
      for (const kind of ['document', 'folder']) {
        await atEveryPoint(async () => {
          const { id, folder, document, mover, check } = await given()
          const move = (c: Ctx): Promise<unknown> =>
            kind === 'folder'
              ? updateFolder(c, id, mover, { parentId: folder })
              : updateDocument(c, id, document.id, { folderId: folder })
          const drop = (c: Ctx) => deleteFolder(c, id, folder)
          return { one: swap ? drop : move, other: () => (swap ? move : drop)(ctx), check }
        })
      }
    }
  })

  it('are deleted once, when two clerks delete them', async () => {
    await atEveryPoint(async () => {
      const { id } = await company()
      const folder = await folderIn(id, 'Weg')
      return {
        one: (c) => deleteFolder(c, id, folder),
        other: () => deleteFolder(ctx, id, folder),
        check: async (first, second) => {
          expect([first, second]).toContain('done')
          expect((await rowsOf(id)).some(({ sk }) => sk === `file#folder#${folder}`)).toBe(false)
          expect(await problemsOf(id)).toEqual([])
        },
      }
    })
  })
})

describe('sharing and moving at once', () => {
  it('never show a contact anything that nobody confirmed', async () => {
    for (const swap of [false, true]) {
      for (const kind of ['document', 'folder']) {
        await atEveryPoint(async () => {
          const { id } = await company()
          const shared = await createFolder(ctx, id, { name: 'Geteilt' })
          const mover = await createFolder(ctx, id, { name: 'Beweglich' })
          const document = await fileInto(id, mover.id, { final: true })
          const contact = await addContact(ctx, id, { firstName: 'K', lastName: 'T' })
          const order: string[] = []
          const move = async (c: Ctx) => {
            if (kind === 'folder') await updateFolder(c, id, mover.id, { parentId: shared.id })
            else await updateDocument(c, id, document.id, { folderId: shared.id })
            order.push('move')
          }
          const share = async (c: Ctx) => {
            await createGrant(c, id, { contactId: contact.id, folderId: shared.id, permission: 'view', confirm: true })
            order.push('share')
          }
          return {
            one: swap ? share : move,
            other: () => (swap ? move : share)(ctx),
            check: async (first, second) => {
              const [moved, given] = swap ? [second, first] : [first, second]
              expect(given).toBe('done')
              // Moved before the share, the share was of that, too; after it, the move has to ask.
              expect([moved, order]).toEqual(
                order[0] === 'move' ? ['done', ['move', 'share']] : ['widens-access', ['share']],
              )
            },
          }
        })
      }
    }
  })

  it('revoke a grant once and leave none behind', async () => {
    await atEveryPoint(async () => {
      const { id } = await company()
      const folder = await t.folderOf(id)
      const contact = await addContact(ctx, id, { firstName: 'K', lastName: 'T' })
      const grant = { contactId: contact.id, folderId: folder.id, permission: 'view' as const, confirm: true }
      const { id: grantId } = await createGrant(ctx, id, grant)
      return {
        one: (c) => createGrant(c, id, { ...grant, until: '2199-01-01' }),
        other: () => revokeGrant(ctx, id, grantId),
        check: async (first, second) => {
          const { items } = await listGrants(ctx, id)
          expect([first, second]).toEqual(['done', 'done'])
          expect(items.length).toBeLessThanOrEqual(1)
        },
      }
    })
  })
})

describe('administrators', () => {
  it('who deactivate each other at once leave one', async () => {
    const people = ['ada@archive.example', 'bea@archive.example']
    await t.ask('POST', '/api/staff', { email: people[1], name: 'Bea', roles: ['administrator'] })
    for (let round = 0; round < 10; round++) {
      const patch = round % 2 ? { status: 'deactivated' } : { roles: ['clerk'] }
      const answers = await Promise.all(people.map((email) => t.ask('PATCH', `/api/staff/${email}`, patch)))
      expect(answers.map(({ body, status }) => body.code ?? String(status)).sort()).toEqual([
        '200',
        'last-administrator',
      ])
      const { items } = (await t.ask('GET', '/api/staff')).body
      const left = items.filter(
        ({ status, roles }: Json) => status !== 'deactivated' && roles.includes('administrator'),
      )
      expect(left).toHaveLength(1)
      for (const email of people)
        await t.ask('PATCH', `/api/staff/${email}`, { status: 'active', roles: ['administrator'] })
    }
  })
})

describe('signing in', () => {
  it('with one code at once succeeds once', async () => {
    const email = 'ada@archive.example'
    const before = new Set(await t.mails())
    await t.ask('POST', '/api/auth/email-otp/send-verification-otp', { email, type: 'sign-in' }, {})
    await t.archive.worker.idle()
    const [name = ''] = (await t.mails()).filter((each) => !before.has(each))
    const mail = await readFile(join(t.archive.outbox, name), 'utf8')
    const [otp] = mail.match(/^\d{8}$/m) ?? []
    const answers = await Promise.all(times(4, () => t.ask('POST', '/api/auth/sign-in/email-otp', { email, otp }, {})))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    for (const { status } of answers) if (status !== 200) expect([400, 401, 403]).toContain(status)
  })
})

describe('a merge', () => {
  /** A record with more of everything than one step moves. */
  async function record(name: string) {
    const { id } = await company(name)
    const folders = (await t.ask('GET', `/api/customers/${id}/folders`)).body.items.map((each: Json) => each.id)
    for (let i = 0; i < 24; i++)
      folders.push((await createFolder(ctx, id, { name: `Ordner ${i}`, parentId: folders[i % 7] })).id)
    const contacts = await Promise.all(
      times(3, (i) =>
        addContact(ctx, id, { firstName: 'K', lastName: `T${i}`, email: `k${i}@${id.toLowerCase()}.example` }),
      ),
    )
    const documents = []
    for (let i = 0; i < 4; i++)
      documents.push((await fileInto(id, folders[i * 5], { title: `D${i}`, final: i % 2 === 0 })).id)
    for (let i = 0; i < 23; i++) await addVersion(ctx, id, documents[1] ?? '', { uploadId: await upload() })
    for (const [i, { id: contactId }] of contacts.entries()) {
      await createGrant(ctx, id, { contactId, folderId: folders[i], permission: 'view', confirm: true })
      await createGrant(ctx, id, { contactId, documentId: documents[i], permission: 'download', confirm: true })
    }
    return { id, folders: folders as string[], contacts, documents }
  }

  /** What a person would find, without ids and instants. */
  async function contents(id: string): Promise<unknown> {
    const rows = await rowsOf(id)
    const of = (prefix: string) => rows.filter(({ sk }) => sk.startsWith(prefix))
    const names = new Map(of('file#folder#').map((row) => [row.id, row.name]))
    const generic = (text: string) => text.replace(/CUS-\d+ .*$/, 'CUS')
    const path = (folderId: string | undefined): string => {
      const parent = of('file#folder#').find((row) => row.id === folderId)?.parentId
      return folderId ? `${parent ? path(parent) : ''}/${generic(names.get(folderId) ?? '?')}` : ''
    }
    return {
      folders: of('file#folder#')
        .map((row) => path(row.id))
        .sort(),
      contacts: of('file#contact#')
        .map(({ lastName }) => lastName)
        .sort(),
      grants: of('file#grant#')
        .map(({ name, permission }) => `${name} ${permission}`)
        .sort(),
      documents: of('document#')
        .map(({ title, folderId, latest, final }) => [title, path(folderId), latest.n, final?.n])
        .sort(),
      versions: of('version#').length,
      hashes: of('hash#').length,
    }
  }

  const leftIn = async (id: string) =>
    (await rowsOf(id)).map(({ sk }) => sk).filter((sk) => !/^(journal|details|access)#/.test(sk))

  const stopped: { table: Table } = { table: undefined as unknown as Table }
  beforeAll(async () => {
    await t.archive.worker.idle()
    await t.archive.worker.stop()
    stopped.table = ctx.table
  })

  it('broken off after any of its steps leaves both files whole, and goes on to the same end', async () => {
    const [whole, broken] = [await record('Am Stück'), await record('Mit Abbrüchen')]
    const [one, two] = [await company('Ziel'), await company('Ziel')]
    await mergeCustomers(ctx, whole.id, one.id)
    await moveMerged(ctx, whole.id, one.id)
    await mergeCustomers(ctx, broken.id, two.id)

    let steps = 0
    for (let done = false; !done; steps++) {
      let left = 1
      const transact = async (writes: Write[]) => {
        if (left === 0) throw new Error('power failure')
        left -= 1
        await ctx.table.transact(writes)
      }
      done = await moveMerged({ ...ctx, table: { ...ctx.table, transact } }, broken.id, two.id).then(
        () => true,
        (error) => {
          if (error.message !== 'power failure') throw error
          return false
        },
      )
      const both = [...(await rowsOf(broken.id)), ...(await rowsOf(two.id))]
      const documents = both.filter(({ sk }) => sk.startsWith('document#'))
      expect(documents.map(({ id }) => id).sort()).toEqual([...broken.documents].sort())
      expect(both.filter(({ sk }) => sk.startsWith('version#'))).toHaveLength(4 + 23)
      expect(both.filter(({ sk }) => sk.startsWith('entry#'))).toHaveLength(4)
      expect(both.filter(({ sk }) => sk.startsWith('file#contact#'))).toHaveLength(3)
      expect(both.filter(({ sk }) => sk.startsWith('file#grant#'))).toHaveLength(6)
      expect(both.filter(({ sk }) => sk.startsWith('file#folder#'))).toHaveLength(5 + 5 + 24 + 1)
    }
    expect(steps).toBeGreaterThan(8)
    expect(await contents(two.id)).toEqual(await contents(one.id))
    for (const [from, into] of [
      [whole, one],
      [broken, two],
    ] as const) {
      expect(await leftIn(from.id)).toEqual(['file#customer'])
      expect(await problemsOf(into.id)).toEqual([])
    }
    await moveMerged(ctx, broken.id, two.id)
    expect(await contents(two.id)).toEqual(await contents(one.id))
  })

  it('takes the contacts’ way in along', async () => {
    const from = await record('Quelle')
    const into = await company('Ziel')
    await mergeCustomers(ctx, from.id, into.id)
    await moveMerged(ctx, from.id, into.id)
    const email = `k0@${from.id.toLowerCase()}.example`
    const { items } = await ctx.table.query<Json>({ pk: `email#${email}` })
    expect(items).toMatchObject([{ customerId: into.id, contactId: from.contacts[0]?.id }])
  })

  it('keeps the retention lock of what it moves in sight', async () => {
    const from = await company('Quelle')
    const document = await fileInto(from.id, (await t.folderOf(from.id)).id, { final: true, recordClass: 'contract' })
    const into = await company('Ziel')
    await mergeCustomers(ctx, from.id, into.id)
    await moveMerged(ctx, from.id, into.id)
    const jobs: Json[] = []
    for (const shard of '0123456789abcdef') jobs.push(...(await ctx.table.query<Json>({ pk: `job#${shard}` })).items)
    const locks = jobs
      .map(({ job }) => job)
      .filter(({ kind, documentId }) => kind === 'lock' && documentId === document.id)
    expect(locks).toContainEqual({ kind: 'lock', customerId: into.id, documentId: document.id })
  })

  it('and filing at once lose nothing: what was filed is found under both numbers', async () => {
    const [from, into] = [await company('Quelle'), await company('Ziel')]
    const folder = await t.folderOf(from.id)
    const uploads = await Promise.all(times(40, upload))
    const filings = uploads.map(async (uploadId, i) => {
      for (let turn = 0; turn < i * 3; turn++) await new Promise((resolve) => setImmediate(resolve))
      return t.ask('POST', `/api/customers/${from.id}/documents`, input(uploadId, folder.id))
    })
    const merging = (async () => {
      for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve))
      await mergeCustomers(ctx, from.id, into.id)
      await moveMerged(ctx, from.id, into.id)
    })()
    const answers = await Promise.all(filings)
    await merging
    const filed = answers.filter(({ status }) => status === 201).map(({ body }) => body.id)
    expect(filed.length).toBeGreaterThan(0)
    for (const { status, body } of answers) if (status !== 201) expect(body.code).toBe('merge-running')
    const again = await Promise.all(
      uploads
        .filter((_, i) => answers[i]?.status !== 201)
        .map((uploadId) => t.ask('POST', `/api/customers/${from.id}/documents`, input(uploadId, folder.id))),
    )
    expect(again.map(({ status }) => status)).toEqual(again.map(() => 201))
    for (const id of [...filed, ...again.map(({ body }) => body.id)]) {
      for (const number of [from.id, into.id]) {
        const path = `/api/customers/${number}/documents/${id}`
        expect((await t.ask('GET', path)).body).toMatchObject({ id, customerId: into.id })
        expect((await t.download(`${path}/versions/1/content`)).bytes).toHaveLength(50)
      }
    }
    expect((await t.ask('GET', `/api/customers/${into.id}/documents?limit=500`)).body.items).toHaveLength(40)
    expect(await leftIn(from.id)).toEqual(['file#customer'])
    expect(await problemsOf(into.id)).toEqual([])
  })

  const meetings: [
    string,
    (c: Ctx, at: { id: string; folder: string; document: string; contact: string; grant: string }) => Promise<unknown>,
  ][] = [
    ['filing', async (c, { id, folder }) => fileDocument(c, id, input(await upload(), folder))],
    ['a new version', async (c, { id, document }) => addVersion(c, id, document, { uploadId: await upload() })],
    ['finalising', (c, { id, document }) => finaliseDocument(c, id, document)],
    ['discarding', (c, { id, document }) => discardDraft(c, id, document, { reason: 'weg' })],
    [
      'a change of a document',
      (c, { id, document }) => updateDocument(c, id, document, { title: 'Neu', documentDate: '2020-02-02' }),
    ],
    ['a new folder', (c, { id, folder }) => createFolder(c, id, { name: 'Neu', parentId: folder })],
    ['moving a folder', (c, { id, folder }) => updateFolder(c, id, folder, { name: 'Umbenannt' })],
    ['deleting a folder', async (c, { id }) => deleteFolder(c, id, (await t.folderOf(id, 'Quotes'))?.id ?? 'fld_X')],
    ['deleting a folder with a document in it', (c, { id, folder }) => deleteFolder(c, id, folder)],
    [
      'sharing',
      (c, { id, folder, contact }) =>
        createGrant(c, id, { contactId: contact, folderId: folder, permission: 'view', confirm: true }),
    ],
    ['a new contact', (c, { id }) => addContact(c, id, { firstName: 'N', lastName: 'N', email: 'n@n.example' })],
    ['a change of a contact', (c, { id, contact }) => updateContact(c, id, contact, { email: 'neu@t.example' })],
    ['revoking', (c, { id, grant }) => revokeGrant(c, id, grant)],
    ['archiving', (c, { id }) => archiveCustomer(c, id)],
  ]

  async function meeting() {
    const [from, into] = [await company('Quelle'), await company('Ziel')]
    const folder = (await t.folderOf(from.id)).id
    const document = (await fileInto(from.id, folder)).id
    const contact = (await addContact(ctx, from.id, { firstName: 'K', lastName: 'T', email: 'k@t.example' })).id
    const on = { contactId: contact, folderId: (await t.folderOf(from.id, 'Orders')).id, permission: 'view' as const }
    const grant = (await createGrant(ctx, from.id, { ...on, confirm: true })).id
    const merge = async (c: Ctx) => {
      await mergeCustomers(c, from.id, into.id)
      await moveMerged(c, from.id, into.id)
    }
    const check = async (merged: string) => {
      expect(['done', 'customer-archived']).toContain(merged)
      expect(await problemsOf(into.id)).toEqual([])
      for (const email of ['k@t.example', 'neu@t.example', 'n@n.example']) {
        const prefix = `membership#${from.id}#`
        const { items } = await ctx.table.query({ pk: `email#${email}`, prefix })
        if (merged === 'done') expect(items).toEqual([])
      }
      expect(merged === 'done' ? await leftIn(from.id) : await problemsOf(from.id)).toEqual(
        merged === 'done' ? ['file#customer'] : [],
      )
    }
    return { at: { id: from.id, folder, document, contact, grant }, merge, check }
  }

  it.each(meetings)('meeting %s at any point leaves both whole and nothing behind', async (_name, step) => {
    const during = await atEveryPoint(async () => {
      const { at, merge, check } = await meeting()
      return { one: merge, other: () => step(ctx, at), check: (merged) => check(merged) }
    })
    const around = await atEveryPoint(async () => {
      const { at, merge, check } = await meeting()
      return { one: (c) => step(c, at), other: () => merge(ctx), check: (_step, merged) => check(merged) }
    })
    // Whoever comes in between is told to try again, never that what is on its way does not exist.
    const told = [...during, ...around].flatMap((both) => both.split(', '))
    expect(
      told.filter(
        (each) =>
          !['done', 'merge-running', 'changed-meanwhile', 'customer-archived', 'folder-not-empty'].includes(each),
      ),
    ).toEqual([])
  })

  it('of what is still receiving from another merge waits for that', async () => {
    const [a, b, c] = [await company('A'), await company('B'), await company('C')]
    const document = await fileInto(a.id, (await t.folderOf(a.id)).id)
    await mergeCustomers(ctx, a.id, b.id)
    expect(await outcome(mergeCustomers(ctx, b.id, c.id))).toBe('merge-running')
    expect(await outcome(deleteFolder(ctx, b.id, (await t.folderOf(b.id)).id))).toBe('merge-running')
    await moveMerged(ctx, a.id, b.id)
    await mergeCustomers(ctx, b.id, c.id)
    await moveMerged(ctx, b.id, c.id)
    for (const { id } of [a, b, c]) expect(await getDocument(ctx, id, document.id)).toMatchObject({ customerId: c.id })
    expect(await leftIn(b.id)).toEqual(['file#customer'])
    expect(await problemsOf(c.id)).toEqual([])
  })

  it('in both directions at once goes one way', async () => {
    await atEveryPoint(async () => {
      const [a, b] = [await company('A'), await company('B')]
      return {
        one: (c) => mergeCustomers(c, a.id, b.id),
        other: () => mergeCustomers(ctx, b.id, a.id),
        check: async (first, second) => {
          expect([first, second].sort()).toEqual(['done', 'same-customer'])
          const [status] = await Promise.all([a, b].map(({ id }) => t.ask('GET', `/api/customers/${id}`)))
          expect(status?.status).toBe(200)
        },
      }
    })
  })
})
