import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
beforeAll(async () => {
  t = await openTestArchive()
})
afterAll(() => t.close())

describe('health, and who I am', () => {
  it('answer anybody', async () => {
    expect(await t.ask('GET', '/api/health', undefined, {})).toMatchObject({ status: 200, body: { status: 'ok' } })
    const nobody = await t.ask('GET', '/api/me', undefined, {})
    expect(nobody).toMatchObject({ status: 200, body: { kind: 'anonymous' } })
  })

  it('know a machine by its key and a person by their session', async () => {
    expect((await t.ask('GET', '/api/me')).body).toMatchObject({ kind: 'machine', roles: ['administrator'] })
    const who = await t.signIn('ada@archive.example')
    expect((await t.ask('GET', '/api/me', undefined, who)).body).toMatchObject({
      kind: 'staff',
      email: 'ada@archive.example',
      roles: ['administrator'],
    })
  })

  it('tell whoever sends a key that doesn’t work, and how to authenticate', async () => {
    for (const authorization of [
      'Bearer nope',
      'Bearer',
      'Basic YTpi',
      `Bearer ${t.key}x`,
      `Bearer ${t.key} ${t.key}`,
    ]) {
      const { status, body, headers } = await t.ask('GET', '/api/health', undefined, {}, { authorization })
      expect([status, body.code]).toEqual([401, 'invalid-key'])
      expect(headers.get('www-authenticate')).toBe('Bearer')
    }
  })
})

describe('staff', () => {
  const invite = (email: string, roles = ['clerk']) => t.ask('POST', '/api/staff', { email, name: 'Cleo Clerk', roles })

  it('are invited by mail, sign in, and are listed', async () => {
    const { status, body } = await invite('Cleo@Archive.example')
    expect(status).toBe(201)
    expect(body).toMatchObject({ email: 'cleo@archive.example', status: 'invited', roles: ['clerk'] })
    await t.archive.worker.idle()
    expect(await t.mails()).toHaveLength(1 + 1)
    const who = await t.signIn('cleo@archive.example')
    const { items } = (await t.ask('GET', '/api/staff')).body
    expect(items.map((member: Json) => [member.email, member.status])).toEqual([
      ['ada@archive.example', 'active'],
      ['cleo@archive.example', 'active'],
    ])
    expect((await t.ask('GET', '/api/staff', undefined, who)).body.code).toBe('forbidden')
  })

  it('are on the staff once', async () => {
    await invite('once@archive.example')
    expect(await invite('ONCE@archive.example')).toMatchObject({ status: 409, body: { code: 'staff-exists' } })
  })

  it('are given other roles, and lose with them what those allow, at once', async () => {
    await invite('rosa@archive.example', ['administrator'])
    const who = await t.signIn('rosa@archive.example')
    expect((await t.ask('GET', '/api/settings', undefined, who)).status).toBe(200)
    const changed = await t.ask('PATCH', '/api/staff/Rosa@archive.example', {
      roles: ['clerk', 'clerk'],
      name: 'Rosa R.',
    })
    expect(changed).toMatchObject({ status: 200, body: { roles: ['clerk'], name: 'Rosa R.' } })
    expect((await t.ask('GET', '/api/settings', undefined, who)).status).toBe(403)
    expect((await t.ask('GET', '/api/customers', undefined, who)).status).toBe(200)
  })

  it('are out with their next request once deactivated, and can’t sign in again until reactivated', async () => {
    await invite('otto@archive.example')
    const who = await t.signIn('otto@archive.example')
    await t.ask('PATCH', '/api/staff/otto@archive.example', { status: 'deactivated' })
    expect((await t.ask('GET', '/api/customers', undefined, who)).body.code).toBe('sign-in-required')
    const before = (await t.mails()).length
    const asked = await t.ask(
      'POST',
      '/api/auth/email-otp/send-verification-otp',
      { email: 'otto@archive.example', type: 'sign-in' },
      {},
    )
    await t.archive.worker.idle()
    expect(asked.status).toBe(200)
    expect((await t.mails()).length).toBe(before)
    await t.ask('PATCH', '/api/staff/otto@archive.example', { status: 'active' })
    expect((await t.ask('GET', '/api/customers', undefined, await t.signIn('otto@archive.example'))).status).toBe(200)
  })

  it('keep an administrator: the last one is neither deactivated nor made a clerk', async () => {
    for (const patch of [{ status: 'deactivated' }, { roles: ['clerk'] }]) {
      const { status, body } = await t.ask('PATCH', '/api/staff/ada@archive.example', patch)
      expect([status, body.code]).toEqual([409, 'last-administrator'])
    }
    await invite('second@archive.example', ['administrator'])
    expect((await t.ask('PATCH', '/api/staff/ada@archive.example', { roles: ['clerk'] })).status).toBe(200)
    expect((await t.ask('PATCH', '/api/staff/second@archive.example', { status: 'deactivated' })).body.code).toBe(
      'last-administrator',
    )
    await t.ask('PATCH', '/api/staff/ada@archive.example', { roles: ['administrator'] })
  })

  it('who aren’t there aren’t found', async () => {
    for (const email of ['nobody@archive.example', 'x', '%00', 'a'.repeat(254)]) {
      expect((await t.ask('PATCH', `/api/staff/${email}`, { name: 'N' })).body.code).toBe('staff-not-found')
    }
  })
})

describe('API keys', () => {
  it('are shown once, work as their roles allow, and stop working at once when revoked', async () => {
    const made = await t.ask('POST', '/api/keys', { name: 'Scanner', roles: ['clerk'] })
    expect(made.status).toBe(201)
    const { key, id } = made.body
    expect((await t.ask('GET', '/api/customers', undefined, { key })).status).toBe(200)
    expect((await t.ask('POST', '/api/keys', { name: 'X', roles: ['clerk'] }, { key })).status).toBe(403)
    const listed = await t.ask('GET', '/api/keys')
    expect(listed.body.items.find((each: Json) => each.id === id)).toEqual({ ...made.body, key: undefined })
    expect(JSON.stringify(listed.body)).not.toContain(key.slice(-43))
    expect((await t.ask('DELETE', `/api/keys/${id}`)).status).toBe(204)
    expect((await t.ask('GET', '/api/customers', undefined, { key })).body.code).toBe('invalid-key')
    expect((await t.ask('DELETE', `/api/keys/${id}`)).body.code).toBe('key-not-found')
    expect((await t.ask('GET', '/api/keys')).body.items.find((each: Json) => each.id === id).revokedAt).toBeDefined()
  })

  it('are needed with at least one known role', async () => {
    for (const roles of [[], ['owner'], undefined]) {
      expect((await t.ask('POST', '/api/keys', { name: 'X', roles })).body.code).toBe('invalid-input')
    }
  })

  it('lie in the table as a hash', async () => {
    const { key, id } = (await t.ask('POST', '/api/keys', { name: 'Hashed', roles: ['clerk'] })).body
    const row = await t.archive.table.get({ pk: `key#${id}`, sk: 'key' })
    expect(row).toBeDefined()
    expect(JSON.stringify(row)).not.toContain(key.slice(-43))
  })
})

describe('settings', () => {
  it('decide the folders of new customers', async () => {
    const before = (await t.ask('GET', '/api/settings')).body
    expect(before).toEqual({
      company: 'Test GmbH',
      folderTemplate: ['Contracts', 'Quotes', 'Orders', 'Invoices', 'Correspondence'],
    })
    const changed = await t.ask('PATCH', '/api/settings', { folderTemplate: ['Eins', 'Zwei'] })
    expect(changed).toMatchObject({ status: 200, body: { company: 'Test GmbH', folderTemplate: ['Eins', 'Zwei'] } })
    const { id } = await t.customer()
    const { items } = (await t.ask('GET', `/api/customers/${id}/folders`)).body
    expect(items.map(({ name }: Json) => name)).toEqual(['Eins', 'Zwei'])
    await t.ask('PATCH', '/api/settings', before)
  })

  it('refuse a template that can’t be folders', async () => {
    for (const folderTemplate of [[], ['a/b'], ['..'], ['a\u202eb'], Array(31).fill('x')]) {
      expect((await t.ask('PATCH', '/api/settings', { folderTemplate })).status).toBe(422)
    }
  })

  it('refuse a template with one name twice', async () => {
    expect((await t.ask('PATCH', '/api/settings', { folderTemplate: ['Straße', 'STRASSE'] })).status).toBe(422)
  })
})

describe('the archive’s journal', () => {
  it('has staff, keys and settings, a page at a time', async () => {
    const actions: string[] = []
    let cursor = ''
    do {
      const { status, body } = await t.ask('GET', `/api/journal?limit=5${cursor && `&cursor=${cursor}`}`)
      expect(status).toBe(200)
      actions.push(...body.items.map((entry: Json) => entry.action))
      cursor = body.cursor ?? ''
    } while (cursor)
    expect(actions).toEqual(
      expect.arrayContaining([
        'archive.set-up',
        'staff.invited',
        'staff.updated',
        'staff.signed-in',
        'key.created',
        'key.revoked',
        'settings.updated',
      ]),
    )
    expect(actions.at(-1)).toBe('archive.set-up')
  })
})
