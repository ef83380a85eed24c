import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, someBytes, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
let customer: Json
let folders: string
beforeAll(async () => {
  t = await openTestArchive()
  customer = await t.customer()
  folders = `/api/customers/${customer.id}/folders`
})
afterAll(() => t.close())

const create = (name: string, more: object = {}) => t.ask('POST', folders, { name, ...more })
const made = async (name: string, more: object = {}): Promise<Json> => (await create(name, more)).body
const change = (id: string, patch: object, more = {}) => t.ask('PATCH', `${folders}/${id}`, patch, undefined, more)
const tree = async (): Promise<Json[]> => (await t.ask('GET', folders)).body.items

describe('folders', () => {
  it('begin with the template, sorted by name', async () => {
    const { id } = await t.customer('Frisch')
    const { items } = (await t.ask('GET', `/api/customers/${id}/folders`)).body
    expect(items.map(({ name }: Json) => name)).toEqual(['Contracts', 'Correspondence', 'Invoices', 'Orders', 'Quotes'])
    expect(items[0]).toMatchObject({ parentId: null, children: [], rev: 1 })
  })

  it('nest to any depth', async () => {
    let parentId: string | undefined
    for (let depth = 0; depth < 40; depth++) parentId = (await made(`Tiefe ${depth}`, { parentId })).id
    let at = (await tree()).find(({ name }) => name === 'Tiefe 0')
    let depth = 1
    for (; at.children.length > 0; depth++) at = at.children[0]
    expect([depth, at.id]).toEqual([40, parentId])
  })

  it('are renamed and moved with everything below, content untouched', async () => {
    const [a, b] = [await made('Umzug A'), await made('Umzug B')]
    const below = await made('Darunter', { parentId: a.id })
    const document = await t.file(customer.id, below.id, someBytes())
    const moved = await change(a.id, { parentId: b.id, name: 'Umgezogen' })
    expect(moved.body).toMatchObject({ name: 'Umgezogen', parentId: b.id, rev: 2 })
    expect(moved.headers.get('etag')).toBe('"2"')
    const found = (await tree()).find(({ id }) => id === b.id)
    expect(found.children[0].children[0].id).toBe(below.id)
    expect((await t.ask('GET', `/api/customers/${customer.id}/documents/${document.id}`)).body).toEqual(document)
    const top = await change(a.id, { parentId: null })
    expect(top.body.parentId).toBeNull()
    const { items } = (await t.ask('GET', `/api/customers/${customer.id}/journal`)).body
    expect(items.slice(0, 2).map((entry: Json) => entry.action)).toEqual(['folder.moved', 'folder.moved'])
    expect(items[1].details.changes.name).toEqual({ from: 'Umzug A', to: 'Umgezogen' })
  })

  it('never form a cycle', async () => {
    const a = await made('Kreis')
    const b = await made('Kreis B', { parentId: a.id })
    const c = await made('Kreis C', { parentId: b.id })
    for (const parentId of [a.id, b.id, c.id]) {
      expect(await change(a.id, { parentId })).toMatchObject({ status: 409, body: { code: 'folder-cycle' } })
    }
  })

  it('have a name of their own among their siblings, however it is spelled', async () => {
    const a = await made('Straße')
    for (const name of ['Straße', 'STRASSE', 'strasse ']) expect((await create(name)).body.code).toBe('folder-exists')
    expect((await create('Straße', { parentId: a.id })).status).toBe(201)
    const b = await made('Gasse')
    expect((await change(b.id, { name: 'Strasse' })).body.code).toBe('folder-exists')
    expect((await change(a.id, { name: 'STRASSE' })).status).toBe(200)
  })

  it.each(['', ' ', '..', 'a/b', 'a\\b', 'a\0', 'a\u202eb', 'x'.repeat(256), 'x'.repeat(1000)])(
    'are not called %j',
    async (name) => {
      expect((await create(name)).body.code).toBe('invalid-input')
    },
  )

  it('honour If-Match', async () => {
    const { id } = await made('Stand')
    expect((await change(id, { name: 'Stand 2' }, { 'if-match': '"1"' })).status).toBe(200)
    expect(await change(id, { name: 'Stand 3' }, { 'if-match': '"1"' })).toMatchObject({
      status: 412,
      body: { code: 'stale' },
    })
  })

  it('stay within their customer', async () => {
    const other = await t.customer('Andere')
    const foreign = await t.folderOf(other.id)
    const own = await made('Eigener')
    expect((await create('X', { parentId: foreign.id })).body.code).toBe('folder-not-found')
    expect((await change(own.id, { parentId: foreign.id })).body.code).toBe('folder-not-found')
    expect((await change(foreign.id, { name: 'X' })).body.code).toBe('folder-not-found')
    expect((await t.ask('DELETE', `${folders}/${foreign.id}`)).body.code).toBe('folder-not-found')
    expect((await t.ask('GET', '/api/customers/CUS-9999/folders')).body.code).toBe('customer-not-found')
  })

  it('may be a tree of a contact’s own, and stay in it', async () => {
    const contact = (await t.ask('POST', `/api/customers/${customer.id}/contacts`, { firstName: 'K', lastName: 'T' }))
      .body
    const root = await made('Persönlich', { contactId: contact.id })
    expect(root).toMatchObject({ contactId: contact.id, parentId: null })
    const below = await made('Darin', { parentId: root.id })
    expect(below.contactId).toBe(contact.id)
    const outside = await made('Draußen')
    expect((await change(below.id, { parentId: outside.id })).body.code).toBe('other-tree')
    expect((await change(outside.id, { parentId: root.id })).body.code).toBe('other-tree')
    expect((await create('X', { contactId: 'con_nobody' })).body.code).toBe('contact-not-found')
  })

  it('are deleted when empty, and only then', async () => {
    const a = await made('Weg')
    const b = await made('Auch weg', { parentId: a.id })
    const document = await t.file(customer.id, b.id, someBytes())
    expect(await t.ask('DELETE', `${folders}/${a.id}`)).toMatchObject({
      status: 409,
      body: { code: 'folder-not-empty' },
    })
    expect((await t.ask('DELETE', `${folders}/${b.id}`)).body.code).toBe('folder-not-empty')
    await t.ask('POST', `/api/customers/${customer.id}/documents/${document.id}/discard`, { reason: 'leeren' })
    expect((await t.ask('DELETE', `${folders}/${b.id}`)).status).toBe(204)
    expect((await t.ask('DELETE', `${folders}/${a.id}`)).status).toBe(204)
    expect((await t.ask('DELETE', `${folders}/${a.id}`)).body.code).toBe('folder-not-found')
    expect((await tree()).some(({ id }) => id === a.id)).toBe(false)
  })

  it('take documents again after a deletion was refused', async () => {
    const a = await made('Bleibt')
    await t.file(customer.id, a.id, someBytes())
    await t.ask('DELETE', `${folders}/${a.id}`)
    expect((await t.file(customer.id, a.id, someBytes())).folderId).toBe(a.id)
    expect((await change(a.id, { name: 'Bleibt!' })).status).toBe(200)
  })
})
