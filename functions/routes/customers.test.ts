import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, someBytes, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
let clerk: { key: string }
beforeAll(async () => {
  t = await openTestArchive()
  clerk = { key: await t.keyFor('clerk') }
})
afterAll(() => t.close())

const journalOf = async (id: string): Promise<Json[]> => (await t.ask('GET', `/api/customers/${id}/journal`)).body.items

describe('creating a customer', () => {
  it('gives the next number, a location and an ETag, and takes every field', async () => {
    const full = {
      type: 'company',
      name: 'Käse & Söhne GmbH',
      registerNumber: 'HRB 12345 B',
      roles: ['prospect', 'supplier'],
      vatId: 'de 123 456 789',
      emails: ['Info@Kaese.example'],
      domains: ['kaese.example'],
      phones: ['030 1234567'],
      address: { street: 'Weg 1', postalCode: '10115', city: 'Berlin', country: 'DE' },
      language: 'de',
      notes: 'Zeile 1\nZeile 2',
    }
    const { status, body, headers } = await t.ask('POST', '/api/customers', full)
    expect(status).toBe(201)
    expect(body).toMatchObject({
      ...full,
      vatId: 'DE123456789',
      emails: ['info@kaese.example'],
      phones: ['+49301234567'],
      status: 'active',
      rev: 1,
    })
    expect(body.id).toMatch(/^CUS-\d{4}$/)
    expect(headers.get('location')).toBe(`/api/customers/${body.id}`)
    expect(headers.get('etag')).toBe('"1"')
    expect((await t.ask('GET', `/api/customers/${body.id}`)).body).toEqual(body)
    const next = await t.customer('Nächste')
    expect(Number(next.id.slice(4))).toBe(Number(body.id.slice(4)) + 1)
  })

  it('takes a person', async () => {
    const person = { type: 'person', salutation: 'Frau', firstName: 'Ada', lastName: 'Muster' }
    expect((await t.ask('POST', '/api/customers', person)).body).toMatchObject({
      ...person,
      name: 'Ada Muster',
      roles: ['customer'],
    })
  })

  it('names what is wrong, field by field', async () => {
    const { status, body, headers } = await t.ask('POST', '/api/customers', {
      type: 'company',
      name: '',
      vatId: 'DE1',
      emails: ['no'],
      colour: 'red',
    })
    expect(status).toBe(422)
    expect(headers.get('content-type')).toContain('application/problem+json')
    expect(body).toMatchObject({ status: 422, code: 'invalid-input' })
    expect(body.errors.map((error: Json) => error.field).sort()).toEqual(['colour', 'emails.0', 'name', 'vatId'])
  })
})

describe('changing a customer', () => {
  it('changes what is given, empties with null, and journals old and new', async () => {
    const { id } = (await t.ask('POST', '/api/customers', { type: 'company', name: 'Alt', notes: 'weg' })).body
    const { status, body, headers } = await t.ask('PATCH', `/api/customers/${id}`, { name: 'Neu', notes: null }, clerk)
    expect([status, body.name, body.notes, body.rev, headers.get('etag')]).toEqual([200, 'Neu', undefined, 2, '"2"'])
    const [entry] = await journalOf(id)
    expect(entry).toMatchObject({
      action: 'customer.updated',
      actor: { kind: 'machine', name: 'clerk' },
      details: { changes: { name: { from: 'Alt', to: 'Neu' }, notes: { from: 'weg', to: null } } },
    })
  })

  it('honours If-Match, and does not require it', async () => {
    const { id } = await t.customer('Match')
    const patch = (name: string, tag?: string) =>
      t.ask('PATCH', `/api/customers/${id}`, { name }, undefined, tag === undefined ? {} : { 'if-match': tag })
    expect((await patch('Eins', '"1"')).status).toBe(200)
    const stale = await patch('Zwei', '"1"')
    expect([stale.status, stale.body.code, stale.body.rev]).toEqual([412, 'stale', 2])
    expect((await t.ask('GET', `/api/customers/${id}`)).body.name).toBe('Eins')
    expect((await patch('Drei', '*')).status).toBe(200)
    expect((await patch('Vier')).status).toBe(200)
    expect((await patch('Fünf', 'W/"4"')).status).toBe(200)
    // One tag is understood; a list matches nothing, which errs on the side of refusing.
    expect((await patch('Sechs', '"1", "5"')).status).toBe(412)
  })

  it('keeps company and person apart', async () => {
    const { id } = await t.customer('Firma')
    expect((await t.ask('PATCH', `/api/customers/${id}`, { firstName: 'Ada' })).body.code).toBe('invalid-input')
    expect((await t.ask('PATCH', `/api/customers/${id}`, { type: 'person' })).body.code).toBe('invalid-input')
    expect((await t.ask('PATCH', `/api/customers/${id}`, { id: 'CUS-0001' })).body.code).toBe('invalid-input')
  })
})

describe('archiving', () => {
  it('takes a customer out of the list and stops changes, until an administrator restores it', async () => {
    const { id } = await t.customer('Vorbei GmbH')
    expect((await t.ask('POST', `/api/customers/${id}/archive`, undefined, clerk)).body.status).toBe('archived')
    expect((await t.ask('POST', `/api/customers/${id}/archive`, undefined, clerk)).status).toBe(200)
    expect((await t.ask('GET', '/api/customers?search=vorbei')).body.items).toEqual([])
    expect((await t.ask('GET', '/api/customers?search=vorbei&status=archived')).body.items).toHaveLength(1)
    expect((await t.ask('GET', `/api/customers/${id}`)).body.status).toBe('archived')
    for (const [method, path, body] of [
      ['PATCH', '', { name: 'X' }],
      ['POST', '/contacts', { firstName: 'A', lastName: 'B' }],
      ['POST', '/folders', { name: 'X' }],
    ] as const) {
      const answer = await t.ask(method, `/api/customers/${id}${path}`, body)
      expect([answer.status, answer.body.code]).toEqual([409, 'customer-archived'])
    }
    expect((await t.ask('POST', `/api/customers/${id}/restore`, undefined, clerk)).body.code).toBe('forbidden')
    expect((await t.ask('POST', `/api/customers/${id}/restore`)).body.status).toBe('active')
    expect((await t.ask('GET', '/api/customers?search=vorbei')).body.items).toHaveLength(1)
    expect((await journalOf(id)).map(({ action }) => action)).toEqual([
      'customer.restored',
      'customer.archived',
      'customer.created',
    ])
  })

  it('is the only way out: nothing deletes a customer', async () => {
    const { id } = await t.customer()
    expect((await t.ask('DELETE', `/api/customers/${id}`)).status).toBe(404)
    expect((await t.ask('GET', `/api/customers/${id}`)).status).toBe(200)
  })
})

describe('merging', () => {
  it('moves everything, and leaves the old number as an alias for reading and writing', async () => {
    const [into, from] = [await t.customer('Richtig GmbH'), await t.customer('Doppelt GmbH')]
    const folder = await t.folderOf(from.id)
    const document = await t.file(from.id, folder.id, someBytes(), { title: 'Alte Rechnung', final: true })
    const contact = (
      await t.ask('POST', `/api/customers/${from.id}/contacts`, {
        firstName: 'K',
        lastName: 'Ontakt',
        email: 'k@doppelt.example',
      })
    ).body
    const merged = await t.ask('POST', `/api/customers/${from.id}/merge`, { into: into.id })
    expect([merged.status, merged.body.id]).toEqual([200, into.id])
    await t.archive.worker.idle()

    expect((await t.ask('GET', `/api/customers/${from.id}`)).body.id).toBe(into.id)
    for (const id of [into.id, from.id]) {
      expect((await t.ask('GET', `/api/customers/${id}/documents/${document.id}`)).body).toMatchObject({
        customerId: into.id,
        folderId: folder.id,
      })
      expect((await t.ask('GET', `/api/customers/${id}/contacts`)).body.items.map((each: Json) => each.id)).toContain(
        contact.id,
      )
      expect((await t.ask('GET', `/api/customers/${id}/documents?folder=${folder.id}`)).body.items).toHaveLength(1)
      const { items } = (await t.ask('GET', `/api/customers/${id}/folders`)).body
      const arrived = items.find((each: Json) => each.name === `${from.id} Doppelt GmbH`)
      expect(arrived.children.map((each: Json) => each.id)).toContain(folder.id)
      const bytes = await t.download(`/api/customers/${id}/documents/${document.id}/versions/1/content`)
      expect([bytes.status, bytes.bytes.length]).toEqual([200, 1000])
    }
    expect((await t.ask('PATCH', `/api/customers/${from.id}`, { notes: 'über die alte Nummer' })).body).toMatchObject({
      id: into.id,
    })
    expect((await t.ask('GET', '/api/customers?search=doppelt')).body.items).toEqual([])
    expect((await t.ask('GET', '/api/customers?search=doppelt&status=archived')).body.items).toEqual([])
    expect((await t.ask('GET', '/api/customers?status=merged')).status).toBe(422)
  })

  it('keeps the history: of the record under its number, of its documents under both', async () => {
    const [into, from] = [await t.customer('Ziel'), await t.customer('Quelle')]
    const document = await t.file(from.id, (await t.folderOf(from.id)).id, someBytes())
    await t.ask('POST', `/api/customers/${from.id}/merge`, { into: into.id })
    await t.archive.worker.idle()
    expect((await journalOf(from.id)).map(({ action }) => action)).toEqual([
      'customer.merged',
      'document.filed',
      'customer.created',
    ])
    expect((await journalOf(into.id)).map(({ action }) => action)).toEqual(['customer.absorbed', 'customer.created'])
    await t.ask('POST', `/api/customers/${into.id}/documents/${document.id}/finalise`)
    for (const id of [into.id, from.id]) {
      const { items } = (await t.ask('GET', `/api/customers/${id}/journal?document=${document.id}`)).body
      expect(items.map((entry: Json) => entry.action)).toEqual(['version.finalised', 'document.filed'])
    }
  })

  it('is refused with itself, with an archived one, with nobody, and to clerks', async () => {
    const [one, two] = [await t.customer('Eins'), await t.customer('Zwei')]
    const merge = (from: string, into: string, who?: { key: string }) =>
      t.ask('POST', `/api/customers/${from}/merge`, { into }, who)
    expect((await merge(one.id, one.id)).body.code).toBe('same-customer')
    expect((await merge(one.id, 'CUS-9999')).body.code).toBe('customer-not-found')
    expect((await merge(one.id, '../x')).body.code).toBe('invalid-input')
    expect((await merge(one.id, two.id, clerk)).body.code).toBe('forbidden')
    await t.ask('POST', `/api/customers/${two.id}/archive`)
    expect((await merge(one.id, two.id)).body.code).toBe('customer-archived')
    await t.ask('POST', `/api/customers/${two.id}/restore`)
    expect((await merge(one.id, two.id)).status).toBe(200)
    await t.archive.worker.idle()
    expect((await merge(one.id, two.id)).body.code).toBe('same-customer')
    expect((await merge(two.id, one.id)).body.code).toBe('same-customer')
  })

  it('follows a chain of numbers to its end', async () => {
    const [a, b, c] = [await t.customer('A'), await t.customer('B'), await t.customer('C')]
    await t.ask('POST', `/api/customers/${a.id}/merge`, { into: b.id })
    await t.archive.worker.idle()
    await t.ask('POST', `/api/customers/${b.id}/merge`, { into: c.id })
    await t.archive.worker.idle()
    expect((await t.ask('GET', `/api/customers/${a.id}`)).body.id).toBe(c.id)
    expect((await t.ask('GET', `/api/customers/${a.id}/folders`)).status).toBe(200)
  })
})

describe('journal and export', () => {
  it('know only customers that exist', async () => {
    expect((await t.ask('GET', '/api/customers/CUS-9999/journal')).body.code).toBe('customer-not-found')
    expect((await t.ask('POST', '/api/customers/CUS-9999/exports')).body.code).toBe('customer-not-found')
  })

  it('journal an export before it happens', async () => {
    const { id } = await t.customer()
    const { status, body } = await t.ask('POST', `/api/customers/${id}/exports`)
    expect(status).toBe(201)
    expect(await journalOf(id)).toMatchObject([
      { action: 'customer.exported', at: body.at },
      { action: 'customer.created' },
    ])
  })
})

describe('the list', () => {
  it('pages by cursor and filters', async () => {
    for (let i = 0; i < 7; i++) {
      const roles = i % 2 ? ['supplier'] : ['customer']
      await t.ask('POST', '/api/customers', { type: 'company', name: `Seitenweise ${i}`, roles })
    }
    const seen: string[] = []
    let cursor = ''
    do {
      const { body } = await t.ask(
        'GET',
        `/api/customers?search=seitenweise&limit=3&sort=number&order=desc${cursor && `&cursor=${cursor}`}`,
      )
      seen.push(...body.items.map((each: Json) => each.name))
      cursor = body.cursor ?? ''
    } while (cursor)
    expect(seen).toEqual([6, 5, 4, 3, 2, 1, 0].map((i) => `Seitenweise ${i}`))
    const { body } = await t.ask('GET', '/api/customers?search=seitenweise&role=supplier')
    expect(body.items).toHaveLength(3)
    expect(body.cursor).toBeUndefined()
  })

  it('refuses questions it does not know', async () => {
    for (const query of [
      'sort=colour',
      'order=up',
      'limit=0',
      'limit=-1',
      'limit=201',
      'limit=1.5',
      'limit=x',
      'type=robot',
      'role=x',
      `search=${'x'.repeat(201)}`,
    ]) {
      expect([query, (await t.ask('GET', `/api/customers?${query}`)).status]).toEqual([query, 422])
    }
    expect((await t.ask('GET', '/api/customers?cursor=garbage')).body.code).toBe('invalid-cursor')
  })
})
