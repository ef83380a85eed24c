import type { Item, Key, Page, Query, Table, Write } from './ports.ts'

/** Schema version of rows written by this code. */
export const SCHEMA = 1

/** What a use case knows of a row; key, revision and schema version are added here. */
export type Row<T> = Item & T

/** Write a row that must not exist yet. */
export function insert<T extends object>(key: Key, body: T, extra: Partial<Item> = {}): { put: Row<T>; if: 'absent' } {
  return { put: { ...body, ...extra, ...key, rev: 1, v: SCHEMA }, if: 'absent' }
}

/** Write a row over whatever is there: for rows that only repeat what another row of the transaction says. */
export function overwrite<T extends object>(key: Key, body: T, extra: Partial<Item> = {}): { put: Row<T> } {
  return { put: { ...body, ...extra, ...key, rev: 1, v: SCHEMA } }
}

/** Write the next revision of a row that was read. */
export function update<T extends Item>(row: T, change: Partial<T>): { put: T; if: { rev: number } } {
  return { put: { ...row, ...change, rev: row.rev + 1, v: SCHEMA }, if: { rev: row.rev } }
}

/** Delete a row that was read, unless it changed since. */
export function remove(row: Item): Write {
  return { delete: { pk: row.pk, sk: row.sk }, if: { rev: row.rev } }
}

/** Require that a row is still as it was read. */
export function unchanged(row: Item): Write {
  return { check: { pk: row.pk, sk: row.sk }, if: { rev: row.rev } }
}

/** All rows of a query, page after page. For ranges that are bounded by design. */
export async function queryAll<T extends Item = Item>(table: Table, query: Query): Promise<T[]> {
  const items: T[] = []
  let page: Page<T> | undefined
  do {
    page = await table.query<T>({ ...query, after: page?.after ?? query.after })
    items.push(...page.items)
  } while (page.after)
  return items
}
