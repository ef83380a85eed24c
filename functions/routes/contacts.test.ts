import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
let customer: Json
let contacts: string
beforeAll(async () => {
  t = await openTestArchive()
  customer = await t.customer()
  contacts = `/api/customers/${customer.id}/contacts`
})
afterAll(() => t.close())

const add = (more: object = {}) => t.ask('POST', contacts, { firstName: 'Kim', lastName: 'Kontakt', ...more })

describe('contacts', () => {
  it('are added and listed', async () => {
    const given = {
      salutation: 'Herr',
      position: 'Einkauf',
      email: 'Kim@B.example',
      phone: '030 1234567',
      language: 'de',
    }
    const { status, body } = await add(given)
    expect(status).toBe(201)
    expect(body).toMatchObject({ ...given, email: 'kim@b.example', phone: '+49301234567', portal: 'open', rev: 1 })
    expect(body.id).toMatch(/^con_/)
    expect((await t.ask('GET', contacts)).body.items).toContainEqual(body)
    const [entry] = (await t.ask('GET', `/api/customers/${customer.id}/journal`)).body.items
    expect(entry).toMatchObject({ action: 'contact.added', objects: { customer: customer.id, contact: body.id } })
  })

  it('need a first and a last name, and nothing unknown', async () => {
    for (const no of [
      { firstName: '' },
      { lastName: undefined },
      { email: 'x' },
      { phone: 'x' },
      { portal: 'open' },
      { id: 'con_1' },
    ]) {
      expect((await add(no)).body.code).toBe('invalid-input')
    }
  })

  it('are changed, with If-Match if wanted', async () => {
    const { id } = (await add({ email: 'change@b.example' })).body
    const changed = await t.ask('PATCH', `${contacts}/${id}`, { position: 'Chefin', email: null })
    expect(changed.body).toMatchObject({ position: 'Chefin', rev: 2 })
    expect(changed.body.email).toBeUndefined()
    expect(changed.headers.get('etag')).toBe('"2"')
    const stale = await t.ask('PATCH', `${contacts}/${id}`, { position: 'X' }, undefined, { 'if-match': '"1"' })
    expect([stale.status, stale.body.code]).toEqual([412, 'stale'])
    const [entry] = (await t.ask('GET', `/api/customers/${customer.id}/journal`)).body.items
    expect(entry.details.changes).toEqual({
      position: { from: null, to: 'Chefin' },
      email: { from: 'change@b.example', to: null },
    })
  })

  it('sign in with the address they have now, and with no other', async () => {
    const { id } = (await add({ email: 'old@b.example' })).body
    const old = await t.signIn('old@b.example')
    expect((await t.ask('GET', '/api/shared', undefined, old)).status).toBe(200)
    await t.ask('PATCH', `${contacts}/${id}`, { email: 'new@b.example' })
    expect((await t.ask('GET', '/api/shared', undefined, old)).status).toBe(401)
    expect((await t.ask('GET', '/api/shared', undefined, await t.signIn('new@b.example'))).status).toBe(200)
  })

  it('are invited by mail, in their language', async () => {
    const { id } = (await add({ email: 'mail@b.example', language: 'de' })).body
    const { status, body } = await t.ask('POST', `${contacts}/${id}/invite`)
    expect([status, typeof body.invitedAt]).toEqual([200, 'string'])
    await t.archive.worker.idle()
    expect((await t.mails()).length).toBeGreaterThan(0)
  })

  it('can’t be invited without an address, or while the portal is closed to them', async () => {
    const none = (await add()).body
    expect((await t.ask('POST', `${contacts}/${none.id}/invite`)).body.code).toBe('contact-without-email')
    const blocked = (await add({ email: 'blocked@b.example' })).body
    await t.ask('PATCH', `${contacts}/${blocked.id}`, { portal: 'blocked' })
    expect((await t.ask('POST', `${contacts}/${blocked.id}/invite`)).body.code).toBe('contact-blocked')
  })

  it('are found at their own customer only', async () => {
    const { id } = (await add()).body
    const other = await t.customer('Andere')
    for (const [customerId, contactId, code] of [
      [other.id, id, 'contact-not-found'],
      [customer.id, 'con_nobody', 'contact-not-found'],
      ['CUS-9999', id, 'customer-not-found'],
    ]) {
      const path = `/api/customers/${customerId}/contacts/${contactId}`
      expect((await t.ask('PATCH', path, { firstName: 'X' })).body.code).toBe(code)
      expect((await t.ask('POST', `${path}/invite`)).body.code).toBe(code)
    }
    expect((await t.ask('GET', '/api/customers/CUS-9999/contacts')).body.code).toBe('customer-not-found')
  })
})
