import * as z from 'zod'
import type { Ctx } from './ctx.ts'
import { type OpenFile, openFiles } from './customer.ts'
import { CustomerId, nameOf } from './customer-fields.ts'
import { Document, type DocumentRow, visible } from './document.ts'
import { ArchiveError, signInRequired } from './errors.ts'
import { FolderNode, treeOf } from './folder.ts'
import { keys } from './keys.ts'

const MOST_FOLDERS = 30
const MOST_RECENT = 20

export const SharedFile = z
  .object({
    customer: z.object({ id: CustomerId, name: z.string() }),
    folders: z.array(FolderNode),
    /** The newest documents in the shared folders, and those shared one by one. */
    recent: z.array(Document),
  })
  .meta({ id: 'SharedFile' })
export type SharedFile = z.infer<typeof SharedFile>

/**
 * What is shared with the signed-in contact, one entry per customer they are a contact of.
 *
 * @throws {ArchiveError} `sign-in-required` | `contacts-only`
 */
export async function sharedWithMe(ctx: Ctx): Promise<{ items: SharedFile[] }> {
  const { actor } = ctx
  if (actor.kind === 'anonymous') throw signInRequired()
  if (actor.kind !== 'contact') {
    throw new ArchiveError('forbidden', 'contacts-only', 'This page is for contacts. Open the customer’s file instead.')
  }
  const files = await openFiles(ctx, actor.memberships)
  return { items: await Promise.all(files.map((file) => sharedFile(ctx, file))) }
}

async function sharedFile(ctx: Ctx, file: OpenFile): Promise<SharedFile> {
  const { customer, scope, folders } = file
  const readable = folders.filter(({ id }) => scope?.folder(id).read).slice(0, MOST_FOLDERS)
  const [single, ...pages] = await Promise.all([
    ctx.table.getMany<DocumentRow>(
      (scope?.grantedDocuments() ?? []).slice(0, 100).map((id) => keys.document(customer.id, id)),
    ),
    ...readable.map(({ id }) =>
      ctx.table.query<DocumentRow>({ pk: customer.pk, prefix: `entry#${id}#`, limit: MOST_RECENT, newestFirst: true }),
    ),
  ])
  const rows = [...single, ...pages.flatMap(({ items }) => items)].filter((row) => row !== undefined)
  const found = new Map(rows.flatMap((row) => visible(scope, row) ?? []).map((document) => [document.id, document]))
  const recent = [...found.values()].sort((a, b) => (a.documentDate < b.documentDate ? 1 : -1)).slice(0, MOST_RECENT)
  return { customer: { id: customer.id, name: nameOf(customer.data) }, folders: treeOf(file), recent }
}
