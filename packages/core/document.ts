import * as z from 'zod'
import { allow, type Permission, type Scope } from './access.ts'
import type { Ctx } from './ctx.ts'
import { loadCustomer, openFile, requireActive, requireRevision } from './customer.ts'
import { CustomerId, type CustomerRow } from './customer-fields.ts'
import { ArchiveError, notFound, signInRequired } from './errors.ts'
import { type FolderRow, find, missing } from './folder.ts'
import { overwrite, queryAll, type Row, unchanged, update } from './item.ts'
import { enqueue } from './job.ts'
import { changesOf, journal } from './journal.ts'
import { keys } from './keys.ts'
import type { VaultRef, Write } from './ports.ts'
import { RecordClass, type Retention, Retention as RetentionSchema, retentionOf } from './retention.ts'
import { retrying } from './retry.ts'
import { CalendarDate, Line, Reason, Sha256 } from './text.ts'
import { confirmWidening, gainedByRefiling } from './widening.ts'

const Tags = z.array(Line(50)).max(20)

/** What a person says of a document. */
export const DocumentFields = z.strictObject({
  folderId: z.string().max(100),
  recordClass: RecordClass,
  title: Line(300),
  /** The number printed on it, such as RE-2024/0815. */
  number: Line(100).optional(),
  /** The date printed on it. */
  documentDate: CalendarDate,
  /** The day a contract ended or ends; only with it does a contract's period begin. */
  contractEnd: CalendarDate.optional(),
  tags: Tags.default([]),
})

export const DocumentPatch = DocumentFields.extend({
  number: Line(100).nullable(),
  contractEnd: CalendarDate.nullable(),
  tags: Tags,
  confirm: z.boolean(),
  /** Why a final document may be destroyed earlier than before. */
  reason: Reason,
})
  .partial()
  .meta({ id: 'DocumentPatch' })
export type DocumentPatch = z.infer<typeof DocumentPatch>

const Content = z.object({
  /** Version number, from 1. */
  n: z.number().int(),
  fileName: z.string(),
  mediaType: z.string(),
  /** Bytes. */
  size: z.number().int(),
  /** Lower-case hex. */
  sha256: z.string(),
})
type Content = z.infer<typeof Content>

const Person = z.object({ id: z.string(), name: z.string() })

export type DocumentRow = Row<
  z.infer<typeof DocumentFields> & {
    id: string
    customerId: string
    audience: string
    /** The newest version. */
    latest: Content
    /** The newest final version: what contacts see. */
    final?: Content
    /** The highest version number ever given; discarded numbers are not given again. */
    numbered: number
    createdAt: string
    createdBy: z.infer<typeof Person>
    updatedAt: string
  }
>

export type VersionRow = Row<
  Content & {
    documentId: string
    status: 'draft' | 'final'
    vault: VaultRef
    uploadId: string
    reason?: string
    createdAt: string
    createdBy: z.infer<typeof Person>
    finalisedAt?: string
  }
>

export const Document = z
  .object({
    id: z.string(),
    customerId: CustomerId,
    folderId: z.string(),
    recordClass: RecordClass,
    title: z.string(),
    number: z.string().optional(),
    documentDate: z.iso.date(),
    contractEnd: z.iso.date().optional(),
    tags: z.array(z.string()),
    /** Of the version described here. */
    status: z.enum(['draft', 'final']),
    /** The newest version the asker may see; file name, type, size and hash are its own. */
    version: z.number().int(),
    finalVersion: z.number().int().optional(),
    fileName: z.string(),
    mediaType: z.string(),
    size: z.number().int(),
    sha256: Sha256,
    retainUntil: z.iso.date().nullable(),
    retention: RetentionSchema,
    createdAt: z.string(),
    createdBy: Person.optional(),
    updatedAt: z.string(),
    rev: z.number().int(),
    /** What the asking contact may do with it; absent for staff. */
    permission: z.enum(['view', 'download']).optional(),
  })
  .meta({ id: 'Document' })
export type Document = z.infer<typeof Document>

export const Version = Content.extend({
  status: z.enum(['draft', 'final']),
  reason: z.string().optional(),
  createdAt: z.string(),
  createdBy: Person.optional(),
  finalisedAt: z.string().optional(),
}).meta({ id: 'Version' })
export type Version = z.infer<typeof Version>

/** @param read  what the asking contact may do; for contacts the document is its newest final version */
export function documentView(row: DocumentRow, read?: Permission['read']): Document {
  const { id, customerId, folderId, recordClass, title, number, documentDate, contractEnd, tags } = row
  const { createdAt, createdBy, updatedAt, rev, final, latest } = row
  const { n, ...content } = (read && final) || latest
  const retention: Retention = retentionOf(row)
  return {
    ...{ id, customerId, folderId, recordClass, title, number, documentDate, contractEnd, tags },
    ...{ status: n === final?.n ? 'final' : 'draft', version: n, finalVersion: final?.n },
    ...content,
    ...{ retainUntil: retention.retainUntil, retention, createdAt, updatedAt, rev },
    ...(read ? { permission: read } : { createdBy }),
  }
}

/** The listing row of a document: the document again, where its folder is listed by date. */
export function entryOf(row: DocumentRow): { put: DocumentRow } {
  const { pk: _pk, sk: _sk, rev, v: _v, ...body } = row
  const entry = overwrite(keys.entry(row.customerId, row.folderId, row.documentDate, row.id), body)
  return { put: { ...entry.put, rev } }
}

/** What the actor may read of a document; staff may read all of it. */
export function visible(scope: Scope | undefined, document: DocumentRow): Document | undefined {
  if (!scope) return documentView(document)
  const { read } = scope.document(document)
  return read && document.final ? documentView(document, read) : undefined
}

export interface Located {
  customer: CustomerRow
  document: DocumentRow
  scope?: Scope
}

/**
 * A document of a customer as the actor may see it: 1 round trip, 2 through an alias number.
 *
 * @throws {ArchiveError} `customer-not-found` | `document-not-found`, also for what may not be seen | `merge-running`
 */
export async function locate(ctx: Ctx, customerId: string, documentId: string): Promise<Located> {
  if (ctx.actor.kind === 'anonymous') throw signInRequired()
  const document = ctx.table.get<DocumentRow>(keys.document(customerId, documentId))
  if (ctx.actor.kind === 'contact') {
    const [{ customer, scope }, row] = await Promise.all([openFile(ctx, customerId), document])
    if (customer.id !== customerId) return locate(ctx, customer.id, documentId)
    if (!row || !visible(scope, row)) throw notFound('document')
    return { customer, document: row, scope }
  }
  allow(ctx, 'customer.read')
  const [customer, row] = await Promise.all([ctx.table.get<CustomerRow>(keys.customer(customerId)), document])
  if (customer?.mergedInto) return locate(ctx, customer.mergedInto, documentId)
  if (!customer) throw notFound('customer')
  if (!row) {
    const { id } = await loadCustomer(ctx, customerId)
    if (id !== customerId) return locate(ctx, id, documentId)
    throw await missing(ctx, 'document', customerId)
  }
  return { customer, document: row }
}

/** @throws {ArchiveError} `customer-not-found` | `document-not-found` */
export async function getDocument(ctx: Ctx, customerId: string, documentId: string): Promise<Document> {
  const { document, scope } = await locate(ctx, customerId, documentId)
  return visible(scope, document) ?? documentView(document)
}

/**
 * Change what is said of a document. Its content and its place in the vault stay as they are.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `customer-archived` | `document-not-found`
 *   | `folder-not-found` | `widens-access` (until confirmed) | `stale`
 *   | `shortens-retention` (a final document's, without a reason; administrators only)
 */
export function updateDocument(
  ctx: Ctx,
  customerId: string,
  documentId: string,
  { confirm, reason, ...patch }: DocumentPatch,
  ifMatch?: number,
): Promise<Document> {
  allow(ctx, 'document.write')
  return retrying(async () => {
    const { customer, document } = await locate(ctx, customerId, documentId)
    requireActive(customer)
    requireRevision(document, ifMatch)
    const { writes, gained } = await refile(ctx, document, patch.folderId, confirm)
    const changes = changesOf(document, patch)
    const cleared = Object.fromEntries(Object.entries(patch).map(([field, value]) => [field, value ?? undefined]))
    const row = update(document, { ...(cleared as Partial<DocumentRow>), updatedAt: ctx.now.toISOString() })
    const before = entryOf(document).put
    const entry = entryOf(row.put)
    const objects = { customer: customer.id, document: document.id }
    const retention = document.final && retentionChange(document, row.put)
    if (retention?.shorter) requireReason(ctx, reason)
    await ctx.table.transact([
      row,
      entry,
      ...(before.sk === entry.put.sk ? [] : [{ delete: { pk: before.pk, sk: before.sk } }]),
      ...writes,
      ...(retention ? [enqueue(ctx, { kind: 'lock', customerId: customer.id, documentId })] : []),
      ...journal(ctx, 'document.updated', objects, {
        changes,
        retention,
        reason,
        ...(gained.length > 0 && { gained }),
      }),
    ])
    return documentView(row.put)
  })
}

/** How a change moves the end of retention; a period that has not begun ends later than any other. */
function retentionChange(before: DocumentRow, after: DocumentRow) {
  const [from, to] = [retentionOf(before).retainUntil, retentionOf(after).retainUntil]
  if (from === to) return undefined
  const begins = from === null && before.recordClass === after.recordClass
  return { from, to, shorter: !begins && to !== null && (from === null || to < from) }
}

function requireReason(ctx: Ctx, reason: string | undefined): void {
  allow(ctx, 'retention.shorten')
  if (reason) return
  throw new ArchiveError(
    'invalid',
    'shortens-retention',
    'This final document could be destroyed earlier than before. Give a reason, or leave its class and date as they are.',
  )
}

async function refile(ctx: Ctx, document: DocumentRow, folderId: string | undefined, confirm: boolean | undefined) {
  if (folderId === undefined || folderId === document.folderId) return { writes: [] as Write[], gained: [] }
  const file = await openFile(ctx, document.customerId)
  const folder: FolderRow = find(file, folderId)
  const gained = gainedByRefiling(ctx, file, document, folderId)
  confirmWidening(gained, confirm)
  // The tree, too: a grant or a move that came between may widen what was just looked at.
  return { writes: [unchanged(folder), unchanged(file.tree)], gained }
}

/**
 * The versions of a document, newest first; contacts get the final ones.
 *
 * @throws {ArchiveError} `customer-not-found` | `document-not-found`
 */
export async function listVersions(ctx: Ctx, customerId: string, documentId: string): Promise<{ items: Version[] }> {
  const { customer, scope } = await locate(ctx, customerId, documentId)
  const rows = await versionRows(ctx, customer.id, documentId)
  const seen = scope ? rows.filter(({ status }) => status === 'final') : rows
  return { items: seen.map((row) => versionView(row, scope !== undefined)).reverse() }
}

export function versionRows(ctx: Ctx, customerId: string, documentId: string): Promise<VersionRow[]> {
  return queryAll(ctx.table, { pk: keys.customer(customerId).pk, prefix: `version#${documentId}#` })
}

export function versionView(row: VersionRow, forContact = false): Version {
  const { n, fileName, mediaType, size, sha256, status, reason, createdAt, createdBy, finalisedAt } = row
  const content = { n, fileName, mediaType, size, sha256, status, createdAt, finalisedAt }
  return forContact ? content : { ...content, reason, createdBy }
}
