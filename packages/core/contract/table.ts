import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { ArchiveError, ConflictError } from '../errors.ts'
import { insert, overwrite, queryAll, remove, unchanged, update } from '../item.ts'
import type { Change, Item, Key, Page, Query, Table, Write } from '../ports.ts'

interface Counted extends Item {
  n: number
}

/**
 * What every table promises.
 *
 * The suite opens the table once and works in partitions of its own, so it may run on a table that holds other rows.
 * Reads of the index wait until it has caught up, for it may lag.
 */
export function tableContract(open: () => Promise<{ table: Table; close(): Promise<void> }>): void {
  describe('table', { timeout: 120_000 }, () => {
    let table: Table
    let close: () => Promise<void>

    beforeAll(async () => {
      ;({ table, close } = await open())
    })
    afterAll(() => close?.())

    const partition = () => `test#${randomUUID()}`
    const fill = async (rows: Item[]) => {
      for (const some of chunks(rows, 25)) await table.transact(some.map((put) => ({ put })))
    }

    describe('get and getMany', () => {
      it('gives a row back as it was written', async () => {
        const pk = partition()
        const body = {
          text: 'Grüße, 世界 😀 \u0000 "\\',
          empty: '',
          number: -12.5,
          zero: 0,
          yes: true,
          nothing: null,
          list: [1, 'two', [], {}],
          map: { a: { b: ['c'] } },
        }
        await table.transact([insert({ pk, sk: 'a' }, body)])
        expect(await table.get({ pk, sk: 'a' })).toEqual({ pk, sk: 'a', rev: 1, v: 1, ...body })
      })

      it('has no row where none was written', async () => {
        expect(await table.get({ pk: partition(), sk: 'a' })).toBeUndefined()
      })

      it('leaves out what is undefined', async () => {
        const pk = partition()
        await table.transact([insert({ pk, sk: 'a' }, { gone: undefined, map: { gone: undefined } })])
        const row = await table.get({ pk, sk: 'a' })
        expect(Object.keys(row ?? {})).not.toContain('gone')
        expect(row).toStrictEqual({ pk, sk: 'a', rev: 1, v: 1, map: {} })
      })

      it('keeps what was written apart from the object it was written from', async () => {
        const pk = partition()
        const row = { pk, sk: 'a', rev: 1, v: 1, tags: ['one'] }
        const written = table.transact([{ put: row }])
        row.tags.push('two')
        await written
        const first = await table.get<typeof row>({ pk, sk: 'a' })
        expect(first?.tags).toEqual(['one'])
        first?.tags.push('three')
        expect((await table.get<typeof row>({ pk, sk: 'a' }))?.tags).toEqual(['one'])
      })

      it('reads many in the order of the keys, with gaps and repetitions', async () => {
        const pk = partition()
        await fill([plain(pk, 'a'), plain(pk, 'b'), plain(pk, 'c')])
        const found = await table.getMany(['c', 'x', 'a', 'c'].map((sk) => ({ pk, sk })))
        expect(found.map((row) => row?.sk)).toEqual(['c', undefined, 'a', 'c'])
        expect(await table.getMany([])).toEqual([])
      })

      it('reads 100 rows at once, not 101', async () => {
        const pk = partition()
        const rows = numbered(pk, 101)
        await fill(rows)
        expect((await table.getMany(rows.slice(0, 100))).map((row) => row?.sk)).toEqual(
          rows.slice(0, 100).map(({ sk }) => sk),
        )
        await refuses(table.getMany(rows), 'too-many-keys')
      })
    })

    describe('transact', () => {
      it('inserts only what is absent', async () => {
        const key = { pk: partition(), sk: 'a' }
        await table.transact([insert(key, { n: 1 })])
        await conflicts(table.transact([insert(key, { n: 2 })]), [key])
        expect(await table.get(key)).toMatchObject({ n: 1 })
      })

      it('replaces only what is present', async () => {
        const key = { pk: partition(), sk: 'a' }
        await conflicts(table.transact([{ put: { ...key, rev: 1, v: 1 }, if: 'present' }]), [key])
        expect(await table.get(key)).toBeUndefined()
        await table.transact([insert(key, { old: true })])
        await table.transact([{ put: { ...key, rev: 2, v: 1, young: true } as Item, if: 'present' }])
        expect(await table.get(key)).toStrictEqual({ ...key, rev: 2, v: 1, young: true })
      })

      it('updates only the revision that was read', async () => {
        const key = { pk: partition(), sk: 'a' }
        await table.transact([insert(key, { n: 1 })])
        const read = (await table.get<Counted>(key)) as Counted
        await table.transact([update(read, { n: 2 })])
        await conflicts(table.transact([update(read, { n: 3 })]), [key])
        expect(await table.get(key)).toMatchObject({ n: 2, rev: 2 })
        await conflicts(table.transact([{ put: { pk: key.pk, sk: 'b', rev: 2, v: 1 }, if: { rev: 1 } }]), [
          { pk: key.pk, sk: 'b' },
        ])
      })

      it('writes unconditionally where nothing is asked', async () => {
        const key = { pk: partition(), sk: 'a' }
        await table.transact([overwrite(key, { n: 1 })])
        await table.transact([overwrite(key, { n: 2 })])
        expect(await table.get(key)).toMatchObject({ n: 2 })
        await table.transact([{ delete: key }])
        await table.transact([{ delete: key }])
        expect(await table.get(key)).toBeUndefined()
      })

      it('deletes only what its condition allows', async () => {
        const key = { pk: partition(), sk: 'a' }
        await conflicts(table.transact([{ delete: key, if: 'present' }]), [key])
        await table.transact([{ delete: key, if: 'absent' }])
        await table.transact([insert(key, {})])
        const read = (await table.get(key)) as Item
        await conflicts(table.transact([{ delete: key, if: 'absent' }]), [key])
        await conflicts(table.transact([{ delete: key, if: { rev: 2 } }]), [key])
        await table.transact([remove(read)])
        expect(await table.get(key)).toBeUndefined()
        await conflicts(table.transact([remove(read)]), [key])
      })

      it('checks without writing', async () => {
        const pk = partition()
        const [there, missing] = [
          { pk, sk: 'there' },
          { pk, sk: 'missing' },
        ]
        await table.transact([insert(there, {})])
        const read = (await table.get(there)) as Item
        await table.transact([unchanged(read), { check: missing, if: 'absent' }])
        await table.transact([{ check: there, if: 'present' }, insert({ pk, sk: 'new' }, {})])
        expect(await table.get(there)).toStrictEqual(read)
        await conflicts(table.transact([{ check: there, if: 'absent' }]), [there])
        await conflicts(table.transact([{ check: there, if: { rev: 2 } }]), [there])
        await conflicts(table.transact([{ check: missing, if: 'present' }]), [missing])
      })

      it('applies all writes or none, and names exactly the keys that failed', async () => {
        const pk = partition()
        const key = (sk: string) => ({ pk, sk })
        await table.transact([insert(key('taken'), { n: 1 }), insert(key('old'), { n: 1 })])
        const attempt = table.transact([
          insert(key('new'), {}),
          insert(key('taken'), { n: 2 }),
          { delete: key('old') },
          { put: { ...key('old2'), rev: 2, v: 1 }, if: { rev: 1 } },
          { check: key('none'), if: 'absent' },
        ])
        await conflicts(attempt, [key('taken'), key('old2')])
        expect((await queryAll(table, { pk })).map(({ sk, rev }) => [sk, rev])).toEqual([
          ['old', 1],
          ['taken', 1],
        ])
      })

      it('reads what it has just written', async () => {
        const pk = partition()
        for (let n = 1; n <= 20; n += 1) {
          await table.transact([{ put: { pk, sk: 'a', rev: n, v: 1 } }])
          expect((await table.get({ pk, sk: 'a' }))?.rev).toBe(n)
          expect((await table.query({ pk })).items[0]?.rev).toBe(n)
        }
      })

      it('takes no writes for none', async () => {
        await table.transact([])
      })

      it('lets one of many who write the same row win each time', async () => {
        const key = { pk: partition(), sk: 'a' }
        await table.transact([insert(key, { n: 0 })])
        const increment = async () => {
          for (;;) {
            const row = (await table.get<Counted>(key)) as Counted
            try {
              return await table.transact([update(row, { n: row.n + 1 })])
            } catch (error) {
              if (!(error instanceof ConflictError)) throw error
              expect(error.keys).toEqual([key])
            }
          }
        }
        await Promise.all(Array.from({ length: 50 }, increment))
        expect(await table.get(key)).toMatchObject({ n: 50, rev: 51 })
      })

      it('lets one of many who insert the same row win', async () => {
        const pk = partition()
        const attempts = await Promise.allSettled(
          Array.from({ length: 20 }, (_, n) =>
            table.transact([insert({ pk, sk: 'one' }, { n }), insert({ pk, sk: `attempt${n}` }, {})]),
          ),
        )
        expect(attempts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
        const winner = attempts.findIndex(({ status }) => status === 'fulfilled')
        expect((await queryAll(table, { pk })).map(({ sk }) => sk)).toEqual([`attempt${winner}`, 'one'])
      })
    })

    describe('limits', () => {
      it('takes 100 writes in a transaction, not 101', async () => {
        const pk = partition()
        const writes = numbered(pk, 101).map((put) => ({ put }))
        await refuses(table.transact(writes), 'transaction-too-large')
        expect((await table.query({ pk })).items).toEqual([])
        await table.transact(writes.slice(0, 100))
        expect(await queryAll(table, { pk })).toHaveLength(100)
      })

      it('takes 4 MB in a transaction, not more', async () => {
        const pk = partition()
        const writes = numbered(pk, 11).map((row) => ({ put: { ...row, text: 'x'.repeat(399 * 1024) } }))
        await refuses(table.transact(writes), 'transaction-too-large')
        expect((await table.query({ pk })).items).toEqual([])
        await table.transact(writes.slice(0, 10))
        expect(await queryAll(table, { pk })).toHaveLength(10)
      })

      it('takes 400 KB in a row, counted in UTF-8, not more', async () => {
        const row = plain(partition(), 'a')
        await refuses(table.transact([{ put: { ...row, text: 'x'.repeat(400 * 1024) } } as Write]), 'item-too-large')
        await refuses(table.transact([{ put: { ...row, text: 'ü'.repeat(200 * 1024) } } as Write]), 'item-too-large')
        expect(await table.get(row)).toBeUndefined()
        const text = 'ü'.repeat(199 * 1024)
        await table.transact([{ put: { ...row, text } } as Write])
        expect(await table.get(row)).toMatchObject({ text })
      })

      it('writes each row once', async () => {
        const key = { pk: partition(), sk: 'a' }
        await refuses(table.transact([insert(key, {}), { check: key, if: 'absent' }]), 'duplicate-write')
        await refuses(table.transact([{ put: { ...key, rev: 1, v: 1 } }, { delete: key }]), 'duplicate-write')
        expect(await table.get(key)).toBeUndefined()
      })

      it('takes keys of 1 to 2,048 and 1 to 1,024 bytes', async () => {
        const unique = partition()
        const longest = { pk: unique.padEnd(2048, 'x'), sk: 'ü'.repeat(512) }
        await table.transact([insert(longest, { n: 1 })])
        expect(await table.get(longest)).toMatchObject({ n: 1 })
        expect((await table.query({ pk: longest.pk })).items).toHaveLength(1)
        const bad = [
          { pk: '', sk: 'a' },
          { pk: unique, sk: '' },
          { pk: `${longest.pk}x`, sk: 'a' },
          { pk: unique, sk: 'ü'.repeat(513) },
        ]
        for (const key of bad) {
          await refuses(table.transact([insert(key, {})]), 'invalid-key')
          await refuses(table.transact([{ delete: key }]), 'invalid-key')
          await refuses(table.get(key), 'invalid-key')
          await refuses(table.getMany([key]), 'invalid-key')
        }
        await refuses(table.query({ pk: '' }), 'invalid-key')
        const index = { gsi1pk: 'a', gsi1sk: 'b' }
        await refuses(table.transact([insert({ pk: unique, sk: 'a' }, {}, { ...index, gsi1pk: '' })]), 'invalid-key')
        await refuses(table.transact([insert({ pk: unique, sk: 'a' }, {}, { ...index, gsi1sk: '' })]), 'invalid-key')
      })

      it.each([
        ['NaN', Number.NaN],
        ['an infinite number', Number.POSITIVE_INFINITY],
        ['a number too large', 1e126],
        ['a date object', new Date(0)],
        ['a map object', new Map()],
        ['bytes', new Uint8Array(1)],
        ['a bigint', 1n],
        ['a function', () => 1],
        ['a list with a hole', [1, undefined, 2]],
        ['half a character', '\ud83d'],
      ])('refuses %s as a value', async (_name, value) => {
        const key = { pk: partition(), sk: 'a' }
        await refuses(table.transact([insert(key, { value })]), 'invalid-item')
        await refuses(table.transact([insert(key, { deep: [{ value }] })]), 'invalid-item')
        expect(await table.get(key)).toBeUndefined()
      })

      it('refuses a row without a revision', async () => {
        const key = { pk: partition(), sk: 'a' }
        await refuses(table.transact([{ put: { ...key, v: 1 } as Item }]), 'invalid-item')
        await refuses(table.transact([{ put: { ...key, v: 1, rev: 0 } }]), 'invalid-item')
      })
    })

    describe('query', () => {
      const names = ['a', 'a#1', 'a#2', 'a#20', 'a$', 'b', 'b#1', 'c']
      let pk: string
      const select = async (query: Omit<Query, 'pk'>) => (await queryAll(table, { pk, ...query })).map(({ sk }) => sk)

      beforeAll(async () => {
        pk = partition()
        await fill([...names.map((sk) => plain(pk, sk)), plain(`${pk}x`, 'a')])
      })

      it('gives one partition in the order of its sort keys', async () => {
        expect(await select({})).toEqual(names)
        expect(await select({ newestFirst: true })).toEqual(names.toReversed())
        expect(await table.query({ pk: partition() })).toEqual({ items: [] })
      })

      it('selects by prefix', async () => {
        expect(await select({ prefix: 'a#' })).toEqual(['a#1', 'a#2', 'a#20'])
        expect(await select({ prefix: 'a#2', newestFirst: true })).toEqual(['a#20', 'a#2'])
        expect(await select({ prefix: 'x' })).toEqual([])
        expect(await select({ prefix: '' })).toEqual(names)
      })

      it('selects by inclusive bounds', async () => {
        expect(await select({ from: 'a#2', to: 'b' })).toEqual(['a#2', 'a#20', 'a$', 'b'])
        expect(await select({ from: 'a#2', to: 'b', newestFirst: true })).toEqual(['b', 'a$', 'a#20', 'a#2'])
        expect(await select({ from: 'b#' })).toEqual(['b#1', 'c'])
        expect(await select({ to: 'a#1' })).toEqual(['a', 'a#1'])
        expect(await select({ from: 'b', to: 'a' })).toEqual([])
      })

      it('refuses a prefix together with bounds, and pages of nothing', async () => {
        await refuses(table.query({ pk, prefix: 'a', from: 'a' }), 'invalid-query')
        await refuses(table.query({ pk, limit: 0 }), 'invalid-query')
      })

      it('orders by UTF-8 bytes, where UTF-16 code units would order otherwise', async () => {
        const own = partition()
        const sorted = [
          'A',
          'Z',
          'a',
          'a\u0000',
          'a\u0001',
          'z',
          'ß',
          'ü',
          '\ud7ff',
          '\ue000',
          '～',
          '😀',
          '😀a',
          '\u{10ffff}',
        ]
        await fill(sorted.toReversed().map((sk) => plain(own, sk)))
        const keys = async (query: Omit<Query, 'pk'>) =>
          (await queryAll(table, { pk: own, ...query })).map(({ sk }) => sk)
        expect(await keys({})).toEqual(sorted)
        expect(await keys({ limit: 1 })).toEqual(sorted)
        expect(await keys({ limit: 1, newestFirst: true })).toEqual(sorted.toReversed())
        expect(await keys({ from: '～' })).toEqual(['～', '😀', '😀a', '\u{10ffff}'])
        expect(await keys({ prefix: '😀' })).toEqual(['😀', '😀a'])
        expect(await keys({ prefix: '\ud7ff' })).toEqual(['\ud7ff'])
        expect(await keys({ prefix: '\u{10ffff}' })).toEqual(['\u{10ffff}'])
        expect(await keys({ prefix: 'a' })).toEqual(['a', 'a\u0000', 'a\u0001'])
      })

      it.each([1, 2, 3, 7, 8, 9])('pages through everything exactly once, %i at a time', async (limit) => {
        for (const query of [{ pk }, { pk, newestFirst: true }, { pk, prefix: 'a' }, { pk, from: 'a#1', to: 'b#1' }]) {
          const all = await queryAll(table, query)
          const pages = await allPages({ ...query, limit })
          expect(pages.flatMap(({ items }) => items)).toEqual(all)
          expect(pages.map(({ items }) => items.length)).toEqual(chunks(all, limit).map(({ length }) => length))
        }
      })

      it('goes on where it was although rows came and went', async () => {
        const own = partition()
        await fill(['b', 'd', 'f', 'h'].map((sk) => plain(own, sk)))
        const first = await table.query({ pk: own, limit: 2 })
        await table.transact([{ delete: { pk: own, sk: 'd' } }, ...['a', 'e'].map((sk) => ({ put: plain(own, sk) }))])
        const rest = await queryAll(table, { pk: own, after: first.after })
        expect(rest.map(({ sk }) => sk)).toEqual(['e', 'f', 'h'])
      })

      it('ends a page at 1 MB, with the row that crosses it or without', async () => {
        const own = partition()
        const rows = numbered(own, 12).map((row) => ({ ...row, text: 'x'.repeat(200 * 1024) }))
        for (const row of rows) await table.transact([{ put: row }])
        for (const newestFirst of [false, true]) {
          const pages = await allPages({ pk: own, newestFirst })
          expect(pages.length).toBeGreaterThanOrEqual(2)
          for (const { items } of pages) expect(items.length).toBeLessThanOrEqual(6)
          const seen = pages.flatMap(({ items }) => items.map(({ sk }) => sk))
          expect(newestFirst ? seen.toReversed() : seen).toEqual(rows.map(({ sk }) => sk))
        }
      })

      it('refuses a cursor that is none', async () => {
        for (const after of ['x', '!!', '', Buffer.from('{"a":1}').toString('base64url')]) {
          await refuses(table.query({ pk, after }), 'invalid-cursor')
        }
      })

      it('reaches nothing outside its own query with the cursor of another', async () => {
        const { after } = await table.query({ pk, limit: 1 })
        const other = partition()
        await fill([plain(other, 'a'), plain(other, 'b')])
        for (const query of [
          { pk: other, after },
          { pk, prefix: 'b', after },
        ]) {
          const answer = await table.query(query).catch((error) => error)
          if (answer instanceof ArchiveError) expect(answer.code).toBe('invalid-cursor')
          else
            for (const row of answer.items)
              expect(row.pk === query.pk && row.sk.startsWith(query.prefix ?? '')).toBe(true)
        }
      })

      async function allPages(query: Query): Promise<Page<Item>[]> {
        const pages: Page<Item>[] = []
        let after: string | undefined
        do {
          const page = await table.query({ ...query, after })
          pages.push(page)
          after = page.after
        } while (after)
        return pages
      }
    })

    describe('index', () => {
      const indexed = (pk: string, sk: string, gsi1pk: string, gsi1sk: string): Item => ({
        ...plain(pk, sk),
        gsi1pk,
        gsi1sk,
      })
      const names = async (query: Query) => (await queryAll(table, query)).map(({ gsi1sk, sk }) => `${gsi1sk}/${sk}`)
      /** The index may lag: try until it has caught up. */
      const eventually = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

      it('finds rows of several partitions by their index keys', async () => {
        const [pk, gsi1pk] = [partition(), partition()]
        await fill([
          indexed(`${pk}1`, 'x', gsi1pk, '3'),
          indexed(`${pk}2`, 'y', gsi1pk, '1'),
          indexed(`${pk}2`, 'z', gsi1pk, '2'),
          indexed(`${pk}2`, 'w', `${gsi1pk}other`, '1'),
        ])
        await eventually(async () => {
          expect(await names({ pk: gsi1pk, index: 'gsi1' })).toEqual(['1/y', '2/z', '3/x'])
        })
        expect(await names({ pk: gsi1pk, index: 'gsi1', newestFirst: true })).toEqual(['3/x', '2/z', '1/y'])
        expect(await names({ pk: gsi1pk, index: 'gsi1', from: '2' })).toEqual(['2/z', '3/x'])
        expect(await names({ pk: gsi1pk, index: 'gsi1', prefix: '1' })).toEqual(['1/y'])
        const { items } = await table.query({ pk: gsi1pk, index: 'gsi1', limit: 1 })
        expect(items).toStrictEqual([indexed(`${pk}2`, 'y', gsi1pk, '1')])
      })

      it('holds only rows that have both index keys', async () => {
        const [pk, gsi1pk] = [partition(), partition()]
        await fill([
          plain(pk, 'none'),
          { ...plain(pk, 'half'), gsi1pk },
          { ...plain(pk, 'other half'), gsi1sk: '1' },
          indexed(pk, 'both', gsi1pk, '2'),
        ])
        await eventually(async () => expect(await names({ pk: gsi1pk, index: 'gsi1' })).toEqual(['2/both']))
        expect(await table.get({ pk, sk: 'half' })).toMatchObject({ gsi1pk })
      })

      it('follows changes and deletions', async () => {
        const [pk, gsi1pk] = [partition(), partition()]
        await fill([indexed(pk, 'a', gsi1pk, '1'), indexed(pk, 'b', gsi1pk, '2'), indexed(pk, 'c', gsi1pk, '3')])
        await eventually(async () => expect(await names({ pk: gsi1pk, index: 'gsi1' })).toHaveLength(3))
        await table.transact([
          { put: indexed(pk, 'a', gsi1pk, '9') },
          { put: plain(pk, 'b') },
          { delete: { pk, sk: 'c' } },
        ])
        await eventually(async () => expect(await names({ pk: gsi1pk, index: 'gsi1' })).toEqual(['9/a']))
      })

      it('pages over rows with the same index key exactly once', async () => {
        const [pk, gsi1pk] = [partition(), partition()]
        const rows = Array.from({ length: 12 }, (_, n) => indexed(`${pk}#${n % 3}`, `row${n}`, gsi1pk, `${n >> 2}`))
        await fill(rows)
        await eventually(async () => expect(await names({ pk: gsi1pk, index: 'gsi1' })).toHaveLength(12))
        for (const query of [
          {},
          { newestFirst: true },
          { from: '0' },
          { to: '2', newestFirst: true },
          { prefix: '' },
        ]) {
          for (const limit of [1, 5, 12]) {
            const seen = await queryAll(table, { pk: gsi1pk, index: 'gsi1', ...query, limit })
            expect(seen.map(({ sk }) => sk).toSorted()).toEqual(rows.map(({ sk }) => sk).toSorted())
            const order = seen.map(({ gsi1sk }) => gsi1sk)
            expect(query.newestFirst ? order.toReversed() : order).toEqual(rows.map(({ gsi1sk }) => gsi1sk))
          }
        }
      })
    })

    describe('next', () => {
      it('starts at 1 and counts', async () => {
        const counter = partition()
        expect(await table.next(counter)).toBe(1)
        expect(await table.next(counter)).toBe(2)
        expect(await table.next(partition())).toBe(1)
      })

      it('draws blocks', async () => {
        const counter = partition()
        expect(await table.next(counter, 10)).toBe(1)
        expect(await table.next(counter)).toBe(11)
        expect(await table.next(counter, 2)).toBe(12)
        expect(await table.next(counter)).toBe(14)
      })

      it('gives no number twice to 100 who draw at once', async () => {
        const counter = partition()
        const drawn = await Promise.all(Array.from({ length: 100 }, () => table.next(counter)))
        expect(new Set(drawn).size).toBe(100)
        // Gaps are allowed, runaway numbers are not.
        expect(Math.max(...drawn)).toBeLessThan(200)
      })

      it('refuses to draw nothing', async () => {
        for (const n of [0, -1, 1.5, Number.NaN]) await refuses(table.next(partition(), n), 'invalid-count')
      })
    })

    describe('changes', () => {
      it('tells of every committed change, with the row as written', async () => {
        const pk = partition()
        const heard = listen(pk)
        const key = { pk, sk: 'a' }
        await table.transact([insert(key, { n: 1 }), insert({ pk, sk: 'b' }, {})])
        const row = (await table.get<Counted>(key)) as Counted
        await table.transact([update(row, { n: 2 })])
        await conflicts(table.transact([update(row, { n: 3 })]), [key])
        await table.transact([{ delete: { pk, sk: 'b' } }])
        await vi.waitFor(() => expect(heard.changes.filter(({ item }) => !item)).not.toEqual([]), { timeout: 20_000 })
        heard.stop()
        // A feed may repeat itself.
        const images = (sk: string) => [
          ...new Set(heard.changes.filter(({ key }) => key.sk === sk).map(({ item }) => JSON.stringify(sorted(item)))),
        ]
        expect(images('a')).toEqual([1, 2].map((n) => JSON.stringify(sorted({ ...key, rev: n, v: 1, n }))))
        expect(images('b')).toEqual([JSON.stringify(sorted({ pk, sk: 'b', rev: 1, v: 1 })), undefined])
      })

      it('tells only of what can be read already', async () => {
        const pk = partition()
        const reads: Promise<boolean>[] = []
        const stop = table.changes((changes) => {
          for (const { key, item } of changes) {
            if (key.pk === pk) reads.push(table.get(key).then((row) => (row?.rev ?? 0) >= (item?.rev ?? 0)))
          }
        })
        await Promise.all(Array.from({ length: 10 }, (_, n) => table.transact([insert({ pk, sk: `${n}` }, {})])))
        await vi.waitFor(() => expect(reads.length).toBeGreaterThanOrEqual(10), { timeout: 20_000 })
        stop()
        expect(new Set(await Promise.all(reads))).toEqual(new Set([true]))
      })

      it('keeps the order of changes to one row', async () => {
        const key = { pk: partition(), sk: 'a' }
        const heard = listen(key.pk)
        for (let rev = 1; rev <= 20; rev += 1) await table.transact([{ put: { ...key, rev, v: 1 } }])
        await vi.waitFor(() => expect(heard.changes.at(-1)?.item?.rev).toBe(20), { timeout: 20_000 })
        heard.stop()
        const revisions = [...new Set(heard.changes.map(({ item }) => item?.rev))]
        expect(revisions).toEqual(Array.from({ length: 20 }, (_, n) => n + 1))
      })

      it('falls silent for who stopped listening', async () => {
        const pk = partition()
        const first = listen(pk)
        const second = listen(pk)
        first.stop()
        await table.transact([insert({ pk, sk: 'a' }, {})])
        await vi.waitFor(() => expect(second.changes).not.toEqual([]), { timeout: 20_000 })
        second.stop()
        expect(first.changes).toEqual([])
      })

      function listen(pk: string): { changes: Change[]; stop(): void } {
        const heard: Change[] = []
        const stop = table.changes((changes) => heard.push(...changes.filter(({ key }) => key.pk === pk)))
        return { changes: heard, stop }
      }
    })

    it('does what a simple model does, whatever the transactions', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(transactions, { minLength: 1, maxLength: 12 }),
          pages,
          async (history, { limit, ...query }) => {
            const base = partition()
            const model = new Map<string, Item>()
            for (const abstract of history) {
              const writes = abstract.map((write) => concrete(write, base))
              const failed = expectedConflicts(model, writes)
              const outcome = await table.transact(writes).then(
                () => [],
                (error) => {
                  if (error instanceof ConflictError) return error.keys
                  throw error
                },
              )
              expect(byKey(outcome)).toEqual(byKey(failed))
              if (!failed.length) for (const write of writes) applyTo(model, write)
            }
            for (const pk of [`${base}0`, `${base}1`]) {
              const expected = [...model.values()].filter((row) => row.pk === pk && inRange(row.sk, query))
              expected.sort((a, b) => compareBytes(a.sk, b.sk) * (query.newestFirst ? -1 : 1))
              let after: string | undefined
              for (const chunk of expected.length ? chunks(expected, limit) : [[]]) {
                const page: Page<Item> = await table.query({ pk, ...query, limit, after })
                expect(page.items).toEqual(chunk)
                after = page.after
              }
              expect(after).toBeUndefined()
              const known = SORT_KEYS.map((sk) => ({ pk, sk }))
              expect(await table.getMany(known)).toEqual(known.map((key) => model.get(identity(key))))
            }
          },
        ),
        { numRuns: 60 },
      )
    })
  })
}

const SORT_KEYS = ['a', 'ab', 'a#', 'b', 'ü', '～', '😀', '😀b']

interface AbstractWrite {
  partition: number
  sk: string
  action: 'put' | 'delete' | 'check'
  condition: 'none' | 'absent' | 'present' | 1 | 2
  rev: number
  text: string
}

const transactions = fc.uniqueArray<AbstractWrite, string>(
  fc.record({
    partition: fc.constantFrom(0, 1),
    sk: fc.constantFrom(...SORT_KEYS),
    action: fc.constantFrom<AbstractWrite['action'][]>('put', 'put', 'put', 'delete', 'check'),
    condition: fc.constantFrom<AbstractWrite['condition'][]>('none', 'none', 'absent', 'present', 1, 2),
    rev: fc.integer({ min: 1, max: 2 }),
    text: fc.string({ unit: 'grapheme', maxLength: 12 }),
  }),
  { minLength: 1, maxLength: 6, selector: (write) => `${write.partition}${write.sk}` },
)

const sortKey = fc.constantFrom(...SORT_KEYS, 'A', 'aa', 'z')
const pages = fc
  .tuple(
    fc.oneof(fc.record({ prefix: sortKey }), fc.record({ from: sortKey, to: sortKey }, { requiredKeys: [] })),
    fc.record({ limit: fc.integer({ min: 1, max: 9 }), newestFirst: fc.boolean() }),
  )
  .map(([range, page]): Omit<Query, 'pk' | 'limit'> & { limit: number } => ({ ...range, ...page }))

function concrete({ partition, sk, action, condition, rev, text }: AbstractWrite, base: string): Write {
  const key = { pk: `${base}${partition}`, sk }
  const wanted = typeof condition === 'number' ? { rev: condition } : condition
  if (action === 'check') return { check: key, if: wanted === 'none' ? 'absent' : wanted }
  const optional = wanted === 'none' ? {} : { if: wanted }
  if (action === 'delete') return { delete: key, ...optional }
  return { put: { ...key, rev, v: 1, text } as Item, ...optional }
}

function keyOf(write: Write): Key {
  const { pk, sk } = 'put' in write ? write.put : 'delete' in write ? write.delete : write.check
  return { pk, sk }
}

function expectedConflicts(model: Map<string, Item>, writes: Write[]): Key[] {
  return writes
    .filter(({ if: condition, ...write }) => {
      const row = model.get(identity(keyOf(write as Write)))
      if (condition === undefined) return false
      if (condition === 'absent') return row !== undefined
      return row === undefined || (condition !== 'present' && row.rev !== condition.rev)
    })
    .map(keyOf)
}

function applyTo(model: Map<string, Item>, write: Write): void {
  if ('put' in write) model.set(identity(write.put), write.put)
  else if ('delete' in write) model.delete(identity(write.delete))
}

function inRange(sk: string, { prefix, from, to }: Omit<Query, 'pk'>): boolean {
  if (prefix !== undefined) return sk.startsWith(prefix)
  return (from === undefined || compareBytes(sk, from) >= 0) && (to === undefined || compareBytes(sk, to) <= 0)
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

const identity = ({ pk, sk }: Key) => JSON.stringify([pk, sk])
const byKey = (keys: Key[]) => keys.map(identity).toSorted()
const plain = (pk: string, sk: string): Item => ({ pk, sk, rev: 1, v: 1 })
const numbered = (pk: string, count: number) =>
  Array.from({ length: count }, (_, n) => plain(pk, String(n).padStart(4, '0')))

function chunks<T>(items: T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size))
}

function sorted(item: object | undefined): object | undefined {
  return item && Object.fromEntries(Object.entries(item).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

async function refuses(attempt: Promise<unknown>, code: string): Promise<void> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ArchiveError)
  expect((error as ArchiveError).code).toBe(code)
}

async function conflicts(attempt: Promise<unknown>, keys: Key[]): Promise<void> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ConflictError)
  expect(byKey((error as ConflictError).keys)).toEqual(byKey(keys))
}
