import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, someBytes, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
let customer: Json
let folder: Json
let grants: string
beforeAll(async () => {
  t = await openTestArchive({ clock: () => new Date('2026-03-05T10:00:00Z') })
  customer = await t.customer()
  folder = await t.folderOf(customer.id)
  grants = `/api/customers/${customer.id}/grants`
})
afterAll(() => t.close())

const contact = async (more: object = {}): Promise<Json> =>
  (await t.ask('POST', `/api/customers/${customer.id}/contacts`, { firstName: 'Kim', lastName: 'K', ...more })).body
const share = (input: object) => t.ask('POST', grants, input)

describe('grants', () => {
  it('ask before they widen access, say who gets what, and are made once confirmed', async () => {
    const { id: contactId } = await contact()
    const input = { contactId, folderId: folder.id, permission: 'download', until: '2026-12-31' }
    const asked = await share(input)
    expect([asked.status, asked.body.code]).toEqual([409, 'widens-access'])
    expect(asked.body.list).toEqual([
      { contactId, contact: 'Kim K', folderId: folder.id, name: 'Invoices', from: null, to: 'download' },
    ])
    expect((await t.ask('GET', grants)).body.items.some((each: Json) => each.contactId === contactId)).toBe(false)
    const made = await share({ ...input, confirm: true })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ ...input, name: 'Invoices', rev: 1 })
    expect((await t.ask('GET', grants)).body.items).toContainEqual(made.body)
    const [entry] = (await t.ask('GET', `/api/customers/${customer.id}/journal`)).body.items
    expect(entry).toMatchObject({
      action: 'grant.created',
      objects: { contact: contactId, folder: folder.id, grant: made.body.id },
    })
    expect(entry.details.gained).toHaveLength(1)
  })

  it('ask nothing when nothing is gained', async () => {
    const { id: contactId } = await contact()
    await share({ contactId, folderId: folder.id, permission: 'download', confirm: true })
    const document = await t.file(customer.id, folder.id, someBytes())
    expect((await share({ contactId, folderId: folder.id, permission: 'view' })).status).toBe(201)
    expect((await share({ contactId, documentId: document.id, permission: 'download' })).status).toBe(201)
  })

  it('from viewing to downloading are a gain', async () => {
    const { id: contactId } = await contact()
    await share({ contactId, folderId: folder.id, permission: 'view', confirm: true })
    const asked = await share({ contactId, folderId: folder.id, permission: 'download' })
    expect(asked.body.list).toMatchObject([{ from: 'view', to: 'download' }])
  })

  it('given again change their last day', async () => {
    const { id: contactId } = await contact()
    const input = { contactId, folderId: folder.id, permission: 'view', confirm: true }
    const first = await share({ ...input, until: '2026-12-31' })
    const second = await share({ ...input, until: '2026-06-30' })
    expect(second.body).toMatchObject({ id: first.body.id, until: '2026-06-30', rev: 2 })
    expect((await share(input)).body.until).toBeUndefined()
  })

  it('invite the contact with the first share, by one mail', async () => {
    const { id: contactId } = await contact({ email: 'kim@b.example' })
    const before = (await t.mails()).length
    await share({ contactId, folderId: folder.id, permission: 'view', confirm: true })
    await share({ contactId, folderId: folder.id, permission: 'upload' })
    await t.archive.worker.idle()
    expect((await t.mails()).length).toBe(before + 1)
  })

  it('are revoked once', async () => {
    const { id: contactId } = await contact()
    const { id } = (await share({ contactId, folderId: folder.id, permission: 'view', confirm: true })).body
    expect((await t.ask('DELETE', `${grants}/${id}`)).status).toBe(204)
    expect((await t.ask('DELETE', `${grants}/${id}`)).body.code).toBe('grant-not-found')
    const other = await t.customer('Andere')
    const another = (await share({ contactId, folderId: folder.id, permission: 'view', confirm: true })).body
    expect((await t.ask('DELETE', `/api/customers/${other.id}/grants/${another.id}`)).body.code).toBe('grant-not-found')
  })

  it('name one thing of this customer, for one of its contacts, until a day to come', async () => {
    const { id: contactId } = await contact()
    const other = await t.customer('Andere')
    const foreign = await t.folderOf(other.id)
    const document = await t.file(customer.id, folder.id, someBytes())
    const on = { contactId, folderId: folder.id, permission: 'view', confirm: true }
    for (const [input, code] of [
      [{ ...on, contactId: 'con_x' }, 'contact-not-found'],
      [{ ...on, folderId: foreign.id }, 'folder-not-found'],
      [{ ...on, folderId: undefined, documentId: 'doc_x' }, 'document-not-found'],
      [{ ...on, until: '2026-03-04' }, 'until-past'],
      [{ ...on, documentId: document.id }, 'invalid-input'],
      [{ ...on, folderId: undefined }, 'invalid-input'],
      [{ ...on, folderId: undefined, documentId: document.id, permission: 'upload' }, 'invalid-input'],
      [{ ...on, permission: 'own' }, 'invalid-input'],
      [{ ...on, until: 'soon' }, 'invalid-input'],
    ] as const) {
      expect([input, (await share(input)).body.code]).toEqual([input, code])
    }
    expect((await share({ ...on, until: '2026-03-05' })).status).toBe(201)
  })

  it('are not made for a contact to whom the portal is closed', async () => {
    const { id: contactId } = await contact({ email: 'closed@b.example' })
    await t.ask('PATCH', `/api/customers/${customer.id}/contacts/${contactId}`, { portal: 'blocked' })
    expect((await share({ contactId, folderId: folder.id, permission: 'view', confirm: true })).body.code).toBe(
      'contact-blocked',
    )
  })
})

describe('what is shared with me', () => {
  it('is a question for contacts', async () => {
    expect((await t.ask('GET', '/api/shared')).body.code).toBe('contacts-only')
    expect((await t.ask('GET', '/api/shared', undefined, {})).body.code).toBe('sign-in-required')
  })

  it('has folders and the newest documents of every customer I am a contact of', async () => {
    const email = 'both@b.example'
    const names: string[] = []
    for (const name of ['Erste GmbH', 'Zweite GmbH', 'Dritte GmbH']) {
      const { id } = await t.customer(name)
      const { id: contactId } = (
        await t.ask('POST', `/api/customers/${id}/contacts`, { firstName: 'B', lastName: 'B', email })
      ).body
      const invoices = await t.folderOf(id)
      const document = await t.file(id, invoices.id, someBytes(), { title: name, final: true })
      if (name === 'Dritte GmbH') continue
      const on = name === 'Erste GmbH' ? { folderId: invoices.id } : { documentId: document.id }
      await t.ask('POST', `/api/customers/${id}/grants`, { contactId, ...on, permission: 'view', confirm: true })
      names.push(name)
    }
    const who = await t.signIn(email)
    const { items } = (await t.ask('GET', '/api/shared', undefined, who)).body
    expect(
      items.map((each: Json) => [each.customer.name, each.folders.length, each.recent.map((d: Json) => d.title)]),
    ).toEqual([
      ['Erste GmbH', 1, ['Erste GmbH']],
      ['Zweite GmbH', 0, ['Zweite GmbH']],
      ['Dritte GmbH', 0, []],
    ])
    expect(names).toHaveLength(2)
  })
})
