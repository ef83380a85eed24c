import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedTable, openTable } from '@registratur/embedded/table'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Actor, SYSTEM } from './actor.ts'
import { type Ctx, newId } from './ctx.ts'
import { createCustomer, updateCustomer } from './customer.ts'
import { NewCustomer } from './customer-fields.ts'
import type { Row } from './item.ts'
import { changesOf, commitment, journal, listJournal } from './journal.ts'
import { keys } from './keys.ts'
import type { Item } from './ports.ts'

const ADA: Actor = { kind: 'staff', id: 'stf_ada', email: 'ada@a.example', name: 'Ada Admin', roles: ['clerk'] }

let folder: string
let table: EmbeddedTable
let ctx: Ctx

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registratur-'))
  table = openTable(join(folder, 'archive.db'))
  ctx = {
    actor: ADA,
    table,
    now: new Date('2026-03-05T10:00:00Z'),
    newId,
    url: '',
    zone: 'Europe/Berlin',
  } as unknown as Ctx
})

afterEach(async () => {
  await table.close()
  await rm(folder, { recursive: true })
})

type Details = Row<{ salt: string; details: Record<string, unknown> }>

async function customer(name = 'Muster GmbH') {
  return createCustomer(ctx, NewCustomer.parse({ type: 'company', name, vatId: 'DE123456789' }))
}

/** As somebody would recompute it who has only the documentation: sorted keys, no white space. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  const members = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join(',')}}`
}

describe('a journal entry', () => {
  it('commits to its details and salt, which lie apart from it', async () => {
    const { id } = await customer('Geheim & Söhne "KG"')
    await updateCustomer(ctx, id, { notes: 'Zeile 1\nZeile 2', emails: ['b@x.example', 'a@x.example'], vatId: null })
    const { items } = await listJournal(ctx, { customer: id })
    expect(items).toHaveLength(2)
    for (const entry of items) {
      const raw = await table.get(keys.journal(id, entry.id))
      const { salt, details } = (await table.get<Details>(keys.details(id, entry.id))) as Details
      expect(entry.commitment).toBe(
        createHash('sha256')
          .update(salt + canonical(details))
          .digest('hex'),
      )
      expect(salt).toMatch(/^[0-9a-f]{32}$/)
      expect(commitment(salt, { ...details, note: 'added later' })).not.toBe(entry.commitment)
      expect(commitment('0'.repeat(32), details)).not.toBe(entry.commitment)
      expect(JSON.stringify(raw)).not.toMatch(/Geheim|Zeile|x\.example|Ada Admin|DE123456789/)
    }
  })

  it('has a salt of its own, so that equal details can’t be told from their commitments', async () => {
    const writes = [1, 2].map(() => journal(ctx, 'test', { customer: 'CUS-0001' }, { same: 'details' }))
    const commitments = writes.map(
      ([entry]) => entry && 'put' in entry && (entry.put as Item & { commitment: string }).commitment,
    )
    expect(commitments[0]).not.toBe(commitments[1])
  })

  it('commits to the same, in whatever order details are written, and not to what is undefined', () => {
    const one = commitment('salt', { b: 1, a: { d: [1, null, 'x'], c: true }, gone: undefined })
    expect(commitment('salt', { a: { c: true, d: [1, null, 'x'] }, b: 1 })).toBe(one)
    expect(commitment('salt', { a: { c: true, d: [1, 'x', null] }, b: 1 })).not.toBe(one)
    expect(commitment('salt', { a: { c: 'true', d: [1, null, 'x'] }, b: 1 })).not.toBe(one)
  })

  it('stays readable, with its commitment, once its details are erased', async () => {
    const { id } = await customer()
    const [before] = (await listJournal(ctx, { customer: id })).items
    expect(before?.details).toBeDefined()
    await table.transact([{ delete: keys.details(id, before?.id ?? '') }])
    const [after] = (await listJournal(ctx, { customer: id })).items
    expect(after).toEqual({ ...before, details: undefined, actor: { kind: 'staff', id: 'stf_ada', name: undefined } })
    expect(JSON.stringify(after)).not.toContain('Muster')
  })

  it('says who did what to what, and when', async () => {
    const { id } = await customer()
    const [entry] = (await listJournal(ctx, { customer: id })).items
    expect(entry).toMatchObject({
      at: '2026-03-05T10:00:00.000Z',
      actor: { kind: 'staff', id: 'stf_ada', name: 'Ada Admin' },
      action: 'customer.created',
      objects: { customer: id },
    })
  })

  it('names the old and the new value of each field that changed, and no other', async () => {
    const { id } = await customer()
    await updateCustomer(ctx, id, { name: 'Neu GmbH', vatId: null, language: 'de', roles: ['customer'] })
    const [entry] = (await listJournal(ctx, { customer: id })).items
    expect(entry?.details).toEqual({
      changes: {
        name: { from: 'Muster GmbH', to: 'Neu GmbH' },
        vatId: { from: 'DE123456789', to: null },
        language: { from: null, to: 'de' },
      },
    })
  })

  it('is not written for a change that changes nothing', async () => {
    const { id } = await customer()
    expect(await updateCustomer(ctx, id, { name: 'Muster GmbH', notes: null })).toMatchObject({ rev: 1 })
    expect((await listJournal(ctx, { customer: id })).items).toHaveLength(1)
  })

  it('belongs to its change: neither is there without the other', async () => {
    const { id } = await customer()
    const writes = journal(ctx, 'never', { customer: id })
    await expect(table.transact([...writes, { check: keys.customer('CUS-9999'), if: 'present' }])).rejects.toThrow()
    expect((await listJournal(ctx, { customer: id })).items).toHaveLength(1)
  })
})

describe('the journal', () => {
  it('is read newest first, every entry exactly once, page by page', async () => {
    const { id } = await customer()
    for (let i = 0; i < 25; i++) await updateCustomer(ctx, id, { name: `Muster ${i}` })
    const found: string[] = []
    let cursor: string | undefined
    do {
      const page = await listJournal(ctx, { customer: id }, { limit: 7, cursor })
      found.push(...page.items.map((entry) => entry.id))
      cursor = page.cursor
    } while (cursor)
    expect(found).toHaveLength(26)
    expect(found).toEqual(found.toSorted().reverse())
  })

  it('keeps customers apart, and the archive’s own from both', async () => {
    const [one, two] = [await customer('Eins'), await customer('Zwei')]
    await table.transact(journal({ ...ctx, actor: SYSTEM }, 'key.created', { key: 'key_1' }))
    expect((await listJournal(ctx, { customer: one.id })).items.map(({ objects }) => objects)).toEqual([
      { customer: one.id },
    ])
    expect((await listJournal(ctx, { customer: two.id })).items.map(({ objects }) => objects)).toEqual([
      { customer: two.id },
    ])
    const own = await listJournal({ ...ctx, actor: SYSTEM }, {})
    expect(own.items.map(({ action }) => action)).toEqual(['key.created'])
  })

  it('of a document is not read through another customer', async () => {
    const [one, two] = [await customer('Eins'), await customer('Zwei')]
    await table.transact(journal(ctx, 'document.filed', { customer: one.id, document: 'doc_1' }))
    expect((await listJournal(ctx, { customer: one.id, document: 'doc_1' })).items).toHaveLength(1)
    expect((await listJournal(ctx, { customer: two.id, document: 'doc_1' })).items).toEqual([])
  })

  it('is for staff, and the archive’s own for administrators', async () => {
    const { id } = await customer()
    const contact: Actor = {
      kind: 'contact',
      id: 'con_1',
      email: 'k@b.example',
      name: 'K',
      memberships: [{ customerId: id, contactId: 'con_1' }],
    }
    await expect(listJournal({ ...ctx, actor: contact }, { customer: id })).rejects.toMatchObject({ code: 'forbidden' })
    await expect(listJournal(ctx, {})).rejects.toMatchObject({ code: 'forbidden' })
  })
})

describe('changes', () => {
  it('compare by value: order of members does not matter, order of lists does', () => {
    expect(changesOf({ a: { x: 1, y: 2 }, b: [1, 2] }, { a: { y: 2, x: 1 }, b: [2, 1] })).toEqual({
      b: { from: [1, 2], to: [2, 1] },
    })
    expect(changesOf({ a: undefined }, { a: null })).toEqual({})
    expect(changesOf({ a: 1, kept: 2 }, { a: undefined })).toEqual({ a: { from: 1, to: null } })
  })
})
