import * as z from 'zod'
import { allow, type Scope } from './access.ts'
import type { Ctx } from './ctx.ts'
import { openFile } from './customer.ts'
import type { CustomerRow } from './customer-fields.ts'
import { type Document, type DocumentRow, visible } from './document.ts'
import { ArchiveError, notFound, signInRequired } from './errors.ts'
import { queryAll, type Row } from './item.ts'
import { keys } from './keys.ts'
import { Sha256 } from './text.ts'

export const DocumentQuery = z.object({
  /** Only what lies directly in this folder, newest document date first. */
  folder: z.string().max(100).optional(),
  /** Only documents with a version of exactly these bytes. */
  sha256: Sha256.optional(),
  cursor: z.string().max(1000).optional(),
  limit: z.coerce.number().int().min(1).max(500).default(100),
})
export type DocumentQuery = z.input<typeof DocumentQuery>

/**
 * Documents of a customer: of one folder, with certain bytes, or all of them (newest filing first). A cursor names the
 * last document that was seen, so it tells nothing of those in between that may not be.
 *
 * @throws {ArchiveError} `customer-not-found` | `folder-not-found` | `invalid-cursor`
 */
export async function listDocuments(
  ctx: Ctx,
  customerId: string,
  input: DocumentQuery = {},
): Promise<{ items: Document[]; cursor?: string }> {
  if (ctx.actor.kind === 'anonymous') throw signInRequired()
  const query = DocumentQuery.parse(input)
  const rows = query.sha256 ? withBytes(ctx, customerId, query.sha256, query.folder) : walk(ctx, customerId, query)
  // Whether the actor may list here is read in the same round trip as the first page.
  const [access, first] = await Promise.all([mayList(ctx, customerId, query.folder), rows.next()])
  if (access.customerId !== customerId) return listDocuments(ctx, access.customerId, input)

  const items: Document[] = []
  let last = ''
  for (let step = first; !step.done; step = await rows.next()) {
    const document = visible(access.scope, step.value)
    // The bytes of a draft or of an earlier version are nothing a contact could ask for.
    if (!document || (access.scope && query.sha256 && document.sha256 !== query.sha256)) continue
    if (items.length === query.limit) return { items, cursor: Buffer.from(last).toString('base64url') }
    items.push(document)
    last = step.value.sk
  }
  return { items }
}

/** May the actor list here, and as which customer? */
async function mayList(ctx: Ctx, customerId: string, folder?: string): Promise<{ customerId: string; scope?: Scope }> {
  if (ctx.actor.kind === 'contact') {
    const file = await openFile(ctx, customerId)
    const permission = folder === undefined ? undefined : file.scope?.folder(folder)
    if (permission && !permission.read && !permission.upload) throw notFound('folder')
    return { customerId: file.customer.id, scope: file.scope }
  }
  allow(ctx, 'customer.read')
  const wanted = [keys.customer(customerId), ...(folder === undefined ? [] : [keys.folder(customerId, folder)])]
  const [customer, row] = await ctx.table.getMany(wanted)
  if (!customer) throw notFound('customer')
  const { mergedInto } = customer as CustomerRow
  if (mergedInto) return mayList(ctx, mergedInto, folder)
  if (folder !== undefined && !row) throw notFound('folder')
  return { customerId }
}

async function* walk(
  ctx: Ctx,
  customerId: string,
  { folder, cursor, limit }: z.infer<typeof DocumentQuery>,
): AsyncGenerator<DocumentRow, void> {
  const noun = folder === undefined ? 'document' : `entry#${folder}`
  const last = cursor === undefined ? undefined : Buffer.from(cursor, 'base64url').toString()
  if (last !== undefined && !last.startsWith(`${noun}#`)) {
    throw new ArchiveError(
      'invalid',
      'invalid-cursor',
      'This cursor belongs to another list. Start from the first page.',
    )
  }
  // "$" is the character after "#"; one row more than a page, and the one the cursor names.
  const range = { pk: keys.customer(customerId).pk, from: `${noun}#`, to: last ?? `${noun}$`, limit: limit + 2 }
  let after: string | undefined
  do {
    const page = await ctx.table.query<DocumentRow>({ ...range, newestFirst: true, after })
    for (const row of page.items) if (row.sk !== last) yield row
    after = page.after
  } while (after)
}

async function* withBytes(
  ctx: Ctx,
  customerId: string,
  sha256: string,
  folder?: string,
): AsyncGenerator<DocumentRow, void> {
  const { pk } = keys.customer(customerId)
  const hashes = await queryAll<Row<{ documentId: string }>>(ctx.table, { pk, prefix: `hash#${sha256}#` })
  const ids = [...new Set(hashes.map(({ documentId }) => documentId))].slice(0, 100)
  const rows = await ctx.table.getMany<DocumentRow>(ids.map((id) => keys.document(customerId, id)))
  for (const row of rows) if (row && (!folder || row.folderId === folder)) yield row
}
