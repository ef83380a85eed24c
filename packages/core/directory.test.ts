import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type EmbeddedTable, openTable } from '@registratur/embedded/table'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SYSTEM } from './actor.ts'
import { type Ctx, newId } from './ctx.ts'
import { archiveCustomer, createCustomer, updateCustomer } from './customer.ts'
import { NewCustomer } from './customer-fields.ts'
import { type CustomerQuery, type CustomerSummary, listCustomers } from './directory.ts'
import { fold } from './text.ts'

let folder: string
let table: EmbeddedTable
let ctx: Ctx

/** Enough "Muster" that a search for it can't be sorted from its pointers, and one "Rarität" in a hundred. */
const MANY = 560
const TOWNS = ['Aachen', 'Öhringen', 'Zürich', 'Łódź', 'Ulm', 'Straßburg', 'Ærøskøbing']

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'registratur-'))
  table = openTable(join(folder, 'archive.db'))
  const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, 0, Math.floor(n / 3)))
  ctx = { actor: SYSTEM, table, now: at(0), newId, url: '', zone: 'Europe/Berlin' } as unknown as Ctx
  await Promise.all(
    Array.from({ length: MANY }, (_, i) => {
      const rare = i % 100 === 7 ? ' Rarität' : ''
      const name = `Muster ${TOWNS[i % TOWNS.length]}${rare} ${(i * 37) % 50}`
      const roles = i % 3 === 0 ? ['supplier'] : ['customer', 'prospect']
      const data =
        i % 4 === 0
          ? { type: 'person', firstName: 'Muster', lastName: name.slice(7), roles }
          : { type: 'company', name, roles, emails: [`info@firma${i}.example`], domains: [`firma${i}.example`] }
      return createCustomer({ ...ctx, now: at(i) }, NewCustomer.parse(data))
    }),
  )
  for (let n = 5; n <= MANY; n += 50) await archiveCustomer(ctx, `CUS-${String(n).padStart(4, '0')}`)
})

afterAll(async () => {
  await table.close()
  await rm(folder, { recursive: true })
})

/** All pages, one after the other. */
async function all(query: CustomerQuery): Promise<CustomerSummary[]> {
  const found: CustomerSummary[] = []
  let cursor: string | undefined
  do {
    const page = await listCustomers(ctx, { ...query, cursor })
    expect(page.items.length).toBeLessThanOrEqual(Number(query.limit ?? 50))
    if (page.cursor) expect(page.items.length).toBe(Number(query.limit ?? 50))
    found.push(...page.items)
    cursor = page.cursor
  } while (cursor)
  return found
}

const sortKey = {
  name: ({ name, id }: CustomerSummary) => `${fold(name)}#${id}`,
  created: ({ createdAt, id }: CustomerSummary) => `${createdAt}#${id}`,
  number: ({ id }: CustomerSummary) => id,
}

describe('the list of customers', () => {
  const filters: [string, CustomerQuery, (customer: CustomerSummary) => boolean][] = [
    ['without a filter', {}, () => true],
    ['of one type', { type: 'person' }, ({ type }) => type === 'person'],
    ['with a role', { role: 'supplier' }, ({ roles }) => roles.includes('supplier')],
    [
      'with both',
      { role: 'prospect', type: 'company' },
      ({ roles, type }) => roles.includes('prospect') && type === 'company',
    ],
    ['that is archived', { status: 'archived' }, () => true],
    ['found by a word that many have', { search: 'muster' }, () => true],
    ['found by such a word and a filter', { search: 'Muster', type: 'person' }, ({ type }) => type === 'person'],
    ['found by a word that few have', { search: 'rarität' }, ({ name }) => name.includes('Rarität')],
    ['found by two words', { search: 'muster raritaet' }, ({ name }) => name.includes('Rarität')],
    ['found by the beginnings of words', { search: 'mus ÆRØ' }, ({ name }) => name.includes('Ærøskøbing')],
    ['that does not exist', { search: 'nobody' }, () => false],
  ]
  const orders = (['name', 'created', 'number'] as const).flatMap((sort) =>
    (['asc', 'desc'] as const).map((order) => ({ sort, order })),
  )

  it.each(filters)(
    '%s has every customer exactly once, in either direction of every order, a page at a time',
    async (_name, filter, matches) => {
      const everybody = [...(await all({ limit: 200 })), ...(await all({ limit: 200, status: 'archived' }))]
      expect(everybody).toHaveLength(MANY)
      const wanted = everybody.filter((each) => each.status === (filter.status ?? 'active') && matches(each))
      for (const { sort, order } of orders) {
        const expected = wanted.toSorted((a, b) =>
          Buffer.compare(Buffer.from(sortKey[sort](a)), Buffer.from(sortKey[sort](b))),
        )
        if (order === 'desc') expected.reverse()
        const found = await all({ ...filter, sort, order, limit: 23 })
        expect(found.map(({ id }) => id)).toEqual(expected.map(({ id }) => id))
      }
    },
  )

  it('begins with names, and with the newest when sorted by creation', async () => {
    const [first] = (await listCustomers(ctx, { limit: 1 })).items
    expect(first?.name).toMatch(/^Muster Aachen/)
    const [newest] = (await listCustomers(ctx, { limit: 1, sort: 'created' })).items
    expect(newest?.createdAt).toBe(new Date(Date.UTC(2026, 0, 1, 0, 0, 0, Math.floor((MANY - 1) / 3))).toISOString())
  })

  it('finds a customer by number with or without its letters, by e-mail and by domain', async () => {
    const found = async (search: string) => (await all({ search })).map(({ id }) => id)
    expect(await found('CUS-0042')).toEqual(['CUS-0042'])
    expect(await found('0042')).toEqual(['CUS-0042'])
    const by = await found('info@firma41.example')
    expect(by).toHaveLength(1)
    expect(await found('firma41.example')).toEqual(by)
    expect(await found('INFO@FIRMA41.EXAMPLE')).toEqual(by)
  })

  it('ignores what is no word, and takes a search of nothing but that for none', async () => {
    expect(await all({ search: '#%&/ ', limit: 200 })).toHaveLength((await all({ limit: 200 })).length)
  })

  it('refuses a cursor of another order, or of nobody’s', async () => {
    const { cursor } = await listCustomers(ctx, { limit: 1, sort: 'name' })
    for (const query of [
      { sort: 'number' as const, cursor },
      { cursor: '' },
      { cursor: 'garbage' },
      { cursor: '💥' },
    ]) {
      await expect(listCustomers(ctx, query)).rejects.toMatchObject({ code: 'invalid-cursor' })
    }
  })

  it('lets a cursor reach nothing beyond its own list', async () => {
    for (const key of ['name#\uffff\uffff', 'name#', 'name#~/../term#', 'name#\0']) {
      const page = await listCustomers(ctx, { cursor: Buffer.from(key).toString('base64url'), limit: 200 })
      expect(page.items.every(({ id }) => id.startsWith('CUS-'))).toBe(true)
    }
  })

  it('follows a change at once: found by the new words, not by the old ones, once', async () => {
    const created = await createCustomer(
      ctx,
      NewCustomer.parse({ type: 'company', name: 'Vorher AG', emails: ['a@vorher.example'] }),
    )
    await updateCustomer(ctx, created.id, { name: 'Nachher AG', emails: [] })
    expect(await all({ search: 'vorher' })).toEqual([])
    expect((await all({ search: 'nachher' })).map(({ id, name }) => [id, name])).toEqual([[created.id, 'Nachher AG']])
    await archiveCustomer(ctx, created.id)
    expect(await all({ search: 'nachher' })).toEqual([])
    expect(await all({ search: 'nachher', status: 'archived' })).toHaveLength(1)
  })

  it('takes a name of any letters, as long as names may be', async () => {
    const name = `aß${'𠮷'.repeat(99)}`
    const created = await createCustomer(ctx, NewCustomer.parse({ type: 'company', name, notes: '' }))
    const found = await all({ search: `ASS${'𠮷'.repeat(5)}` })
    expect(found.map(({ id }) => id)).toEqual([created.id])
    await archiveCustomer(ctx, created.id)
  })
})
