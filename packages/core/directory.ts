import * as z from 'zod'
import { allow } from './access.ts'
import type { Ctx } from './ctx.ts'
import { Customer, type CustomerRow, nameOf } from './customer-fields.ts'
import { ArchiveError } from './errors.ts'
import { overwrite, type Row } from './item.ts'
import { firstOf, fold, queryTerms, searchTerms } from './text.ts'

/** A customer as lists show it. Each pointer row of the directory carries one, so that a page is one query. */
export const CustomerSummary = Customer.pick({
  id: true,
  type: true,
  name: true,
  roles: true,
  status: true,
  createdAt: true,
  emails: true,
  domains: true,
})
  .extend({ city: z.string().optional() })
  .meta({ id: 'CustomerSummary' })
export type CustomerSummary = z.infer<typeof CustomerSummary>

type PointerRow = Row<CustomerSummary & { terms: string[] }>

const SORTS = ['name', 'created', 'number'] as const
const OPEN = 'directory#open'

export const CustomerQuery = z.object({
  /** Words that name, e-mail, domain or number must begin with; all of them. */
  search: z.string().max(200).optional(),
  type: z.enum(['company', 'person']).optional(),
  role: z.enum(['prospect', 'customer', 'supplier']).optional(),
  status: z.enum(['active', 'archived']).default('active'),
  sort: z.enum(SORTS).default('name'),
  order: z.enum(['asc', 'desc']).optional(),
  cursor: z.string().max(500).optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
})
export type CustomerQuery = z.input<typeof CustomerQuery>

const MOST_TERMS = 40
const MOST_CANDIDATES = 500

/** The pointer rows a customer has in the directory: three to sort by, and one for each word it is found by. */
export function directoryRows(customer: CustomerRow): PointerRow[] {
  if (customer.status === 'merged') return []
  const { id, data, status, createdAt } = customer
  const name = nameOf(data)
  const terms = searchTerms([id, id.slice(4), name, ...data.emails, ...data.domains]).slice(0, MOST_TERMS)
  const summary = {
    id,
    type: data.type,
    name,
    roles: data.roles,
    status,
    createdAt,
    emails: data.emails,
    domains: data.domains,
    city: data.address?.city,
    terms,
  }
  const sortKeys = [...SORTS.map((sort) => sortKey(summary, sort)), ...terms.map((term) => `term#${term}#${id}`)]
  return sortKeys.map((sk) => overwrite({ pk: `directory#${customer.audience}`, sk }, summary).put)
}

/** A tab comes before every character of a name: “A” is listed before “A B”. */
function sortKey({ id, name, createdAt }: CustomerSummary, sort: (typeof SORTS)[number]): string {
  if (sort === 'number') return `number#${id.slice(4).padStart(12, '0')}`
  return sort === 'name' ? `name#${firstOf(fold(name), 200)}\t${id}` : `created#${createdAt}#${id}`
}

/**
 * Customers, a page at a time, in the order asked for.
 *
 * A search that a word narrows down is answered from that word's pointers and sorted here; one that finds many
 * walks the sorted pointers instead, where every page is then quickly full.
 *
 * @throws {ArchiveError} `forbidden` | `invalid-cursor`
 */
export async function listCustomers(
  ctx: Ctx,
  input: CustomerQuery = {},
): Promise<{ items: CustomerSummary[]; cursor?: string }> {
  allow(ctx, 'customer.read')
  const query = CustomerQuery.parse(input)
  const words = queryTerms(query.search ?? '').sort((a, b) => b.length - a.length)
  const newestFirst = (query.order ?? (query.sort === 'created' ? 'desc' : 'asc')) === 'desc'
  const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, query.sort)
  const wanted = (row: PointerRow) => matches(row, query, words)
  const found =
    (await fromWord(ctx, words[0], wanted, query.sort, newestFirst, after)) ?? walk(ctx, query, newestFirst, after)
  const items: CustomerSummary[] = []
  for await (const row of found) {
    if (!wanted(row)) continue
    if (items.length === query.limit) {
      const last = items.at(-1)
      return { items, cursor: last && Buffer.from(sortKey(last, query.sort)).toString('base64url') }
    }
    const { pk: _pk, sk: _sk, rev: _rev, v: _v, terms: _terms, ...summary } = row
    items.push(summary)
  }
  return { items }
}

/** All that a word leads to, sorted; undefined when that is too much to sort here. */
async function fromWord(
  ctx: Ctx,
  word: string | undefined,
  wanted: (row: PointerRow) => boolean,
  sort: (typeof SORTS)[number],
  newestFirst: boolean,
  after?: string,
): Promise<PointerRow[] | undefined> {
  if (!word) return undefined
  const page = await ctx.table.query<PointerRow>({ pk: OPEN, prefix: `term#${word}`, limit: MOST_CANDIDATES })
  if (page.after) return undefined
  const rows = new Map(page.items.filter(wanted).map((row) => [sortKey(row, sort), row]))
  const order = [...rows.keys()].sort()
  if (newestFirst) order.reverse()
  const rest = order.filter((key) => after === undefined || (newestFirst ? key < after : key > after))
  return rest.flatMap((key) => rows.get(key) ?? [])
}

async function* walk(ctx: Ctx, query: z.infer<typeof CustomerQuery>, newestFirst: boolean, after?: string) {
  const first = `${query.sort}#`
  const last = `${query.sort}$`
  const bounds = newestFirst ? { from: first, to: after ?? last } : { from: after ?? first, to: last }
  let cursor: string | undefined
  do {
    const page = await ctx.table.query<PointerRow>({
      pk: OPEN,
      ...bounds,
      newestFirst,
      limit: query.limit + 2,
      after: cursor,
    })
    for (const row of page.items) if (row.sk !== after) yield row
    cursor = page.after
  } while (cursor)
}

function matches(row: PointerRow, query: z.infer<typeof CustomerQuery>, words: string[]): boolean {
  if (row.status !== query.status) return false
  if (query.type && row.type !== query.type) return false
  if (query.role && !row.roles.includes(query.role)) return false
  return words.every((word) => row.terms.some((term) => term.startsWith(word)))
}

function decodeCursor(cursor: string, sort: string): string {
  const key = Buffer.from(cursor, 'base64url').toString()
  if (key.startsWith(`${sort}#`)) return key
  throw new ArchiveError('invalid', 'invalid-cursor', 'This cursor belongs to another list. Start from the first page.')
}
