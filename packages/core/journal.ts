import { createHash, randomBytes } from 'node:crypto'
import * as z from 'zod'
import { allow } from './access.ts'
import type { Ctx } from './ctx.ts'
import { loadCustomer } from './customer.ts'
import type { CustomerRow } from './customer-fields.ts'
import { insert } from './item.ts'
import { journalPk, keys } from './keys.ts'
import type { Item, Query, Write } from './ports.ts'

const EntryRow = z.object({
  id: z.string(),
  at: z.string(),
  actor: z.object({ kind: z.string(), id: z.string() }),
  action: z.string(),
  /** Ids of what it happened to: `{ customer, document, … }`. */
  objects: z.record(z.string(), z.string()),
  /** Of the request that did it, as in the logs. */
  requestId: z.string().optional(),
  /** SHA-256 (hex) over salt and canonical details. */
  commitment: z.string(),
})
type EntryRow = Item & z.infer<typeof EntryRow>

interface DetailsRow extends Item {
  id: string
  salt: string
  details: Record<string, unknown>
}

export const JournalEntry = EntryRow.omit({ actor: true })
  .extend({
    actor: z.object({ kind: z.string(), id: z.string(), name: z.string().optional() }),
    /** Absent once personal data was erased; the entry and its commitment stay. */
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'JournalEntry' })
export type JournalEntry = z.infer<typeof JournalEntry>

export interface Objects {
  customer?: string
  document?: string
  [noun: string]: string | undefined
}

/**
 * The writes that journal one action. They belong in the transaction of the change itself.
 *
 * Details lie in an item of their own behind a salted commitment, so that erasing personal data removes them
 * and leaves the entry, and every proof over it, as it was (GDPR Art. 17; GoBD Rz. 107 ff.).
 */
export function journal(ctx: Ctx, action: string, objects: Objects, details: Record<string, unknown> = {}): Write[] {
  const id = ctx.newId('jrn')
  const salt = randomBytes(16).toString('hex')
  const all = { actorName: ctx.actor.name, ...details }
  const entry = {
    id,
    at: ctx.now.toISOString(),
    actor: { kind: ctx.actor.kind, id: actorIdIn(ctx, objects.customer) },
    action,
    objects: JSON.parse(JSON.stringify(objects)) as Record<string, string>,
    requestId: ctx.requestId,
    commitment: commitment(salt, all),
  }
  const index = objects.document ? { gsi1pk: `journal#${objects.document}`, gsi1sk: id } : {}
  return [
    insert(keys.journal(objects.customer, id), entry, index),
    insert(keys.details(objects.customer, id), { id, salt, details: all }),
  ]
}

/** A person who is a contact of several customers acts, in each file, as that customer's contact. */
function actorIdIn({ actor }: Ctx, customer: string | undefined): string {
  if (actor.kind !== 'contact') return actor.id
  return actor.memberships.find(({ customerId }) => customerId === customer)?.contactId ?? actor.id
}

/** What an entry's commitment must be, given its details and salt. */
export function commitment(salt: string, details: Record<string, unknown>): string {
  return createHash('sha256').update(salt).update(canonicalJson(details)).digest('hex')
}

/** JSON with sorted keys and no white space, after RFC 8785 for the values we store. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonicalJson(each ?? null)).join()}]`
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, each]) => each !== undefined)
    entries.sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${canonicalJson(each)}`).join()}}`
  }
  return JSON.stringify(value)
}

/** Old and new value of every field that differs; what is not named in `after` is left out. */
export function changesOf(before: object, after: object): Record<string, { from: unknown; to: unknown }> {
  const old = before as Record<string, unknown>
  const changes: Record<string, { from: unknown; to: unknown }> = {}
  for (const [field, to] of Object.entries(after)) {
    const from = old[field]
    if (canonicalJson(from ?? null) !== canonicalJson(to ?? null))
      changes[field] = { from: from ?? null, to: to ?? null }
  }
  return changes
}

/**
 * The journal of a customer, or of one of its documents, or (without a customer) of the archive itself: newest first.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found`
 */
export async function listJournal(
  ctx: Ctx,
  scope: { customer?: string; document?: string },
  page: { cursor?: string; limit?: number } = {},
): Promise<{ items: JournalEntry[]; cursor?: string }> {
  allow(ctx, scope.customer ? 'journal.read' : 'archive.manage')
  const { limit = 50, cursor: after } = page
  const range: Query = scope.document
    ? { index: 'gsi1', pk: `journal#${scope.document}` }
    : { pk: journalPk(scope.customer), prefix: 'journal#' }
  const [customer, found] = await Promise.all([
    scope.customer === undefined ? undefined : loadCustomer(ctx, scope.customer),
    ctx.table.query<EntryRow>({ ...range, limit, after, newestFirst: true }),
  ])
  const entries = scope.document ? await entriesOf(ctx, customer, found.items) : found.items
  const details = await ctx.table.getMany<DetailsRow>(entries.map(({ pk, id }) => ({ pk, sk: `details#${id}` })))
  const items = entries.map((entry, i) => {
    const { actorName, ...rest } = details[i]?.details ?? {}
    const { id, at, action, objects, requestId, commitment } = entry
    const actor = { ...entry.actor, name: actorName as string | undefined }
    return { id, at, actor, action, objects, requestId, commitment, details: details[i] && rest }
  })
  return { items, cursor: found.after }
}

/** Those that belong to a customer; what was journalled before a merge carries the number of that time. */
async function entriesOf(ctx: Ctx, customer: CustomerRow | undefined, entries: EntryRow[]): Promise<EntryRow[]> {
  const numbers = [...new Set(entries.flatMap(({ objects }) => objects.customer ?? []))]
  const owners = await Promise.all(numbers.map(async (number) => (await loadCustomer(ctx, number)).id))
  return entries.filter(({ objects }) => customer && owners[numbers.indexOf(objects.customer ?? '')] === customer.id)
}
