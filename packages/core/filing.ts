import { createHash } from 'node:crypto'
import * as z from 'zod'
import { allow } from './access.ts'
import type { Ctx } from './ctx.ts'
import { openFile, requireActive, requireRevision } from './customer.ts'
import type { CustomerRow } from './customer-fields.ts'
import {
  type Document,
  DocumentFields,
  type DocumentRow,
  documentView,
  entryOf,
  locate,
  type Version,
  type VersionRow,
  versionRows,
  versionView,
} from './document.ts'
import { ArchiveError, ConflictError, notFound, signInRequired } from './errors.ts'
import { type FolderRow, find, missing } from './folder.ts'
import { insert, remove, unchanged, update } from './item.ts'
import { enqueue } from './job.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Write } from './ports.ts'
import { retrying } from './retry.ts'
import { Reason } from './text.ts'
import { type FiledAs, type UploadRow, usable, verify } from './upload.ts'

export const NewDocument = DocumentFields.extend({
  uploadId: z.string().max(100),
  /** File it final at once; otherwise it is a draft until it is finalised. */
  final: z.boolean().default(false),
}).meta({ id: 'NewDocument' })
export type NewDocument = z.infer<typeof NewDocument>

export const NewVersion = z
  .strictObject({
    uploadId: z.string().max(100),
    /** Why there is a new version. Required once a version is final: then it is a correction. */
    reason: Reason.optional(),
  })
  .meta({ id: 'NewVersion' })
export type NewVersion = z.infer<typeof NewVersion>

export const Discard = z.strictObject({ reason: Reason }).meta({ id: 'Discard' })

/**
 * File an upload as a new document. Repeating the same call gives the same document.
 *
 * A contact may file where a grant lets them hand in; what they file stays a draft until staff finalise it.
 *
 * @param input.documentDate  calendar date on the document itself (ISO 8601, no time zone)
 * @throws {ArchiveError} `customer-not-found` | `customer-archived` | `folder-not-found` | `merge-running` | `upload-not-found`
 *   | `upload-expired` | `upload-missing` | `upload-mismatch` | `upload-used` (for something else)
 * @see GoBD Rz. 58–59 (no change without trace)
 */
export function fileDocument(ctx: Ctx, customerId: string, input: NewDocument): Promise<Document> {
  return retrying(async () => {
    const { customer, folder, upload } = await loadFiling(ctx, customerId, input)
    const { uploadId, final: wanted, ...fields } = input
    const final = wanted && ctx.actor.kind !== 'contact'
    const id = uploadId.replace(/^upl_/, 'doc_')
    const request = requestHash(customer.id, input)
    if (upload.filedAs) return filedBefore(ctx, upload, request)
    await verify(ctx, upload)
    const at = ctx.now.toISOString()
    const version = await adopt(ctx, customer.id, id, 1, upload, { final })
    const content = contentOf(version)
    const document = insert<Omit<DocumentRow, 'pk' | 'sk' | 'rev' | 'v'>>(keys.document(customer.id, id), {
      ...fields,
      ...{ id, customerId: customer.id, audience: customer.audience },
      ...{ latest: content, final: final ? content : undefined, numbered: 1 },
      ...{ createdAt: at, createdBy: author(ctx), updatedAt: at },
    })
    const { title, number, recordClass, documentDate } = fields
    const details = {
      title,
      number,
      recordClass,
      documentDate,
      fileName: upload.fileName,
      sha256: upload.sha256,
      final,
    }
    await ctx.table.transact([
      document,
      entryOf(document.put),
      unchanged(folder),
      ...filed(upload, version, { customerId: customer.id, documentId: id, version: 1, request }),
      ...(final ? [enqueue(ctx, { kind: 'lock', customerId: customer.id, documentId: id })] : []),
      ...journal(ctx, 'document.filed', { customer: customer.id, document: id, version: '1' }, details),
    ])
    return documentView(document.put)
  })
}

async function loadFiling(
  ctx: Ctx,
  customerId: string,
  input: NewDocument,
): Promise<{ customer: CustomerRow; folder: FolderRow; upload: UploadRow }> {
  if (ctx.actor.kind === 'anonymous') throw signInRequired()
  if (ctx.actor.kind === 'contact') {
    const [file, upload] = await Promise.all([
      openFile(ctx, customerId),
      ctx.table.get<UploadRow>(keys.upload(input.uploadId)),
    ])
    if (!file.scope?.folder(input.folderId).upload) throw notFound('folder')
    return { customer: file.customer, folder: find(file, input.folderId), upload: usable(ctx, upload) }
  }
  allow(ctx, 'document.write')
  const rows = await ctx.table.getMany([
    keys.customer(customerId),
    keys.folder(customerId, input.folderId),
    keys.upload(input.uploadId),
  ])
  const [customer, folder, upload] = rows as [CustomerRow?, FolderRow?, UploadRow?]
  if (!customer) throw notFound('customer')
  if (customer.mergedInto) return loadFiling(ctx, customer.mergedInto, input)
  requireActive(customer)
  if (!folder || folder.closing) throw await missing(ctx, 'folder', customerId)
  return { customer, folder, upload: usable(ctx, upload) }
}

/** The same call again gets the same answer; another one is told that the upload is used up. */
async function filedBefore(ctx: Ctx, { filedAs }: UploadRow, request: string): Promise<Document> {
  const document =
    filedAs?.request === request
      ? await ctx.table.get<DocumentRow>(keys.document(filedAs.customerId, filedAs.documentId))
      : undefined
  // What staff made of it since is not for the contact who handed it in.
  if (!document || (ctx.actor.kind === 'contact' && document.rev > 1)) throw uploadUsed()
  return documentView(document)
}

const uploadUsed = () =>
  new ArchiveError(
    'conflict',
    'upload-used',
    'This upload has been filed already. Upload the file again to file it anew.',
  )

function requestHash(target: string, input: NewDocument | NewVersion): string {
  const sorted = Object.entries(input).sort(([a], [b]) => (a < b ? -1 : 1))
  return createHash('sha256')
    .update(JSON.stringify([target, sorted]))
    .digest('hex')
}

/**
 * Add a version. Once a version is final this is a correction and needs a reason; contacts keep seeing the final one
 * until the new one is finalised.
 *
 * @throws {ArchiveError} `forbidden` | `document-not-found` | `customer-archived` | `reason-required` | `stale`
 *   | the upload errors of {@link fileDocument}
 */
export function addVersion(
  ctx: Ctx,
  customerId: string,
  documentId: string,
  input: NewVersion,
  ifMatch?: number,
): Promise<Version> {
  allow(ctx, 'document.write')
  return retrying(async () => {
    const [{ customer, document }, row] = await Promise.all([
      locate(ctx, customerId, documentId),
      ctx.table.get<UploadRow>(keys.upload(input.uploadId)),
    ])
    const upload = usable(ctx, row)
    requireActive(customer)
    const request = requestHash(documentId, input)
    if (upload.filedAs) {
      const { filedAs } = upload
      const before = await ctx.table.get<VersionRow>(keys.version(customer.id, documentId, filedAs.version))
      if (filedAs.request !== request || !before) throw uploadUsed()
      return versionView(before)
    }
    requireRevision(document, ifMatch)
    if (document.final && !input.reason) {
      throw new ArchiveError('invalid', 'reason-required', 'A final version is corrected with a reason. Say why.')
    }
    await verify(ctx, upload)
    const n = document.numbered + 1
    const version = await adopt(ctx, customer.id, documentId, n, upload, { reason: input.reason })
    const next = update(document, { latest: contentOf(version), numbered: n, updatedAt: ctx.now.toISOString() })
    const details = { reason: input.reason, fileName: upload.fileName, sha256: upload.sha256 }
    await ctx.table.transact([
      next,
      entryOf(next.put),
      ...filed(upload, version, { customerId: customer.id, documentId, version: n, request }),
      ...journal(ctx, 'version.added', { customer: customer.id, document: documentId, version: String(n) }, details),
    ])
    return versionView(version)
  })
}

/**
 * Take the staged bytes into the vault. The key derives from the upload, so that a retry meets the same key and two
 * clerks never each other's version. What is adopted and then not committed is swept once its short lock ends.
 */
async function adopt(
  ctx: Ctx,
  customerId: string,
  documentId: string,
  n: number,
  upload: UploadRow,
  { final = false, reason }: { final?: boolean; reason?: string },
): Promise<VersionRow> {
  const key = `customers/${customerId}/${documentId}/${upload.id}`
  const { versionId } = await ctx.vault.adopt(upload.id, key, { documentId, version: n, sha256: upload.sha256 })
  const at = ctx.now.toISOString()
  const { fileName, contentType: mediaType, size, sha256, id: uploadId } = upload
  return insert(keys.version(customerId, documentId, n), {
    ...{ n, documentId, fileName, mediaType, size, sha256, uploadId },
    ...{ status: final ? ('final' as const) : ('draft' as const), finalisedAt: final ? at : undefined },
    ...{ vault: { key, versionId }, reason, createdAt: at, createdBy: author(ctx) },
  }).put
}

/** The writes that every filed upload leaves: its version, the hash it is found by, and the upload marked as used. */
function filed(upload: UploadRow, version: VersionRow, filedAs: FiledAs): Write[] {
  const { customerId, documentId } = filedAs
  const hash = keys.hash(customerId, version.sha256, documentId, version.n)
  return [{ put: version, if: 'absent' }, insert(hash, { documentId, n: version.n }), update(upload, { filedAs })]
}

const author = ({ actor }: Ctx) => ({ id: actor.id, name: actor.name })

const contentOf = ({ n, fileName, mediaType, size, sha256 }: VersionRow) => ({ n, fileName, mediaType, size, sha256 })

/**
 * Make the newest version final: locked, visible to contacts, the start of retention. Finalising twice is harmless.
 *
 * @throws {ArchiveError} `forbidden` | `document-not-found` | `customer-archived` | `stale`
 */
export function finaliseDocument(
  ctx: Ctx,
  customerId: string,
  documentId: string,
  ifMatch?: number,
): Promise<Document> {
  allow(ctx, 'document.write')
  return retrying(async () => {
    const { customer, document } = await locate(ctx, customerId, documentId)
    requireActive(customer)
    requireRevision(document, ifMatch)
    const { n, sha256 } = document.latest
    if (document.final?.n === n) return documentView(document)
    const version = await ctx.table.get<VersionRow>(keys.version(customer.id, documentId, n))
    // The document says it is there: a merge took it between the two reads.
    if (!version) throw new ConflictError([keys.version(customer.id, documentId, n)])
    const at = ctx.now.toISOString()
    const row = update(document, { final: document.latest, updatedAt: at })
    const objects = { customer: customer.id, document: documentId, version: String(n) }
    await ctx.table.transact([
      row,
      entryOf(row.put),
      update(version, { status: 'final', finalisedAt: at }),
      enqueue(ctx, { kind: 'lock', customerId: customer.id, documentId }),
      ...journal(ctx, 'version.finalised', objects, { sha256 }),
    ])
    return documentView(row.put)
  })
}

/** Versions discarded in one transaction: two rows each, under the limit of 100 writes. */
const BATCH = 40

/**
 * Discard the drafts after the last final version; without a final version, the whole document. The bytes go when
 * their short lock has ended.
 *
 * @returns what is left, if anything
 * @throws {ArchiveError} `forbidden` | `document-not-found` | `customer-archived` | `no-draft` | `stale`
 */
export function discardDraft(
  ctx: Ctx,
  customerId: string,
  documentId: string,
  { reason }: z.infer<typeof Discard>,
  ifMatch?: number,
): Promise<Document | undefined> {
  allow(ctx, 'document.write')
  return retrying(async () => {
    const { customer, document } = await locate(ctx, customerId, documentId)
    requireActive(customer)
    requireRevision(document, ifMatch)
    const { final, latest } = document
    if (final?.n === latest.n) {
      throw new ArchiveError('conflict', 'no-draft', 'The newest version is final; final versions are not discarded.')
    }
    const [versions, file] = await Promise.all([versionRows(ctx, customer.id, documentId), openFile(ctx, customer.id)])
    const drafts = versions.filter(({ n }) => n > (final?.n ?? 0))
    const rowsOf = (draft: VersionRow): Write[] => {
      const { pk, sk } = keys.hash(customer.id, draft.sha256, documentId, draft.n)
      return [remove(draft), { delete: { pk, sk } }]
    }
    while (drafts.length > BATCH) await ctx.table.transact(drafts.splice(0, BATCH).flatMap(rowsOf))
    const entry = entryOf(document).put
    const discarded = drafts.map(({ n, sha256 }) => ({ version: n, sha256 }))
    const objects = { customer: customer.id, document: documentId }
    const shared = [
      ...drafts.flatMap(rowsOf),
      ...journal(ctx, final ? 'draft.discarded' : 'document.discarded', objects, { reason, discarded }),
    ]
    if (final) {
      const row = update(document, { latest: final, updatedAt: ctx.now.toISOString() })
      await ctx.table.transact([row, entryOf(row.put), ...shared])
      return documentView(row.put)
    }
    const grants = file.grants.filter((grant) => grant.documentId === documentId).slice(0, 10)
    const gone = [{ delete: { pk: entry.pk, sk: entry.sk } }, ...grants.map(remove)]
    await ctx.table.transact([remove(document), ...gone, ...shared])
    return undefined
  })
}
