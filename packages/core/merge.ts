import * as z from 'zod'
import { allow } from './access.ts'
import { type ContactRow, contactName } from './contact.ts'
import type { Ctx } from './ctx.ts'
import { getCustomer, loadCustomer, requireActive } from './customer.ts'
import { type Customer, CustomerId, nameOf } from './customer-fields.ts'
import { directoryRows } from './directory.ts'
import { type DocumentRow, entryOf, versionRows } from './document.ts'
import { ArchiveError, ConflictError } from './errors.ts'
import { type FolderRow, mergeRunning, type TreeRow } from './folder.ts'
import type { GrantRow } from './grant.ts'
import { insert, overwrite, queryAll, remove, unchanged, update } from './item.ts'
import { enqueue } from './job.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Item, Key, Write } from './ports.ts'
import { retrying } from './retry.ts'

export const Merge = z
  .strictObject({
    /** The record that goes on. The merged one's number stays an alias of it. */
    into: CustomerId,
  })
  .meta({ id: 'Merge' })

/**
 * Merge a second record of the same customer into this one. Its tree goes under a folder of its own, its contacts,
 * documents and grants along with it, so nobody sees more than before. The move itself is a job.
 *
 * @returns the customer that goes on
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `customer-archived` | `same-customer`
 *   | `merge-running` (into the one that is to go: what still arrives there would be left behind)
 */
export async function mergeCustomers(ctx: Ctx, fromId: string, intoId: string): Promise<Customer> {
  allow(ctx, 'customer.merge')
  await retrying(async () => {
    const [from, into] = await Promise.all([loadCustomer(ctx, fromId), loadCustomer(ctx, intoId)])
    if (from.id === into.id) {
      throw new ArchiveError('conflict', 'same-customer', 'Both numbers belong to the same customer already.')
    }
    requireActive(from)
    requireActive(into)
    const [tree, fromTree] = await ctx.table.getMany<TreeRow>([keys.tree(into.id), keys.tree(from.id)])
    // Both customers were there a moment ago: one was just merged, perhaps into the other.
    if (!tree || !fromTree) throw new ConflictError([keys.tree(from.id)])
    if (fromTree.merging?.length) throw mergeRunning()
    const folder = insert(keys.folder(into.id, mergeFolder(from.id)), {
      id: mergeFolder(from.id),
      name: `${from.id} ${nameOf(from.data).replace(/[/\\]/g, '-')}`.slice(0, 255),
    })
    const at = ctx.now.toISOString()
    await ctx.table.transact([
      update(from, { status: 'merged', mergedInto: into.id, updatedAt: at }),
      ...directoryRows(from).map(({ pk, sk }) => ({ delete: { pk, sk } })),
      remove(fromTree),
      update(tree, { merging: [...(tree.merging ?? []), from.id] }),
      folder,
      unchanged(into),
      enqueue(ctx, { kind: 'merge', from: from.id, into: into.id }),
      ...journal(ctx, 'customer.merged', { customer: from.id, into: into.id }, { data: from.data }),
      ...journal(ctx, 'customer.absorbed', { customer: into.id, from: from.id }),
    ])
  })
  return getCustomer(ctx, intoId)
}

const mergeFolder = (from: string) => `fld_${from}`

/**
 * The job: move everything that still lies under the old number. Each step is a transaction that leaves both files
 * whole; run again after a crash, it goes on where it stopped. Folders go first: filing conditions on its folder, so
 * a filing that read the old file fails and is repeated against the new one.
 */
export async function moveMerged(ctx: Ctx, from: string, into: string): Promise<void> {
  const { pk } = keys.customer(from)
  const moveAll = <T extends Item>(prefix: string, writesOf: (row: T) => Write[]) =>
    retrying(async () => {
      const rows = await queryAll<T>(ctx.table, { pk, prefix })
      while (rows.length > 0) await ctx.table.transact(rows.splice(0, BATCH).flatMap(writesOf))
    })
  await moveAll<FolderRow>('file#folder#', (folder) => {
    const parentId = folder.parentId ?? (folder.contactId ? undefined : mergeFolder(from))
    return move(folder, keys.folder(into, folder.id), { parentId, closing: undefined })
  })
  await moveAll<ContactRow>('file#contact#', (contact) => [
    ...move(contact, keys.contact(into, contact.id)),
    ...membershipMoves(contact, from, into),
  ])
  await moveAll<GrantRow>('file#grant#', (grant) => move(grant, keys.grant(into, grant.id)))
  for (;;) {
    const { items } = await ctx.table.query<DocumentRow>({ pk, prefix: 'document#', limit: 20 })
    if (items.length === 0) break
    for (const { id } of items) await retrying(() => moveDocument(ctx, id, from, into))
  }
  await retrying(() => finish(ctx, from, into))
}

async function finish(ctx: Ctx, from: string, into: string): Promise<void> {
  const tree = await ctx.table.get<TreeRow>(keys.tree(into))
  if (!tree?.merging?.includes(from)) return
  await ctx.table.transact([update(tree, { merging: tree.merging.filter((id) => id !== from) })])
}

/** Rows moved in one transaction, at no more than four writes each. */
const BATCH = 20

function move(row: Item, to: Key, change: object = {}): Write[] {
  return [remove(row), { put: { ...row, ...change, ...to }, if: 'absent' }]
}

function membershipMoves(contact: ContactRow, from: string, into: string): Write[] {
  const { email, id, portal } = contact
  if (!email || portal === 'blocked') return []
  const body = { customerId: into, contactId: id, name: contactName(contact), language: contact.language }
  return [{ delete: keys.membership(email, from, id) }, overwrite(keys.membership(email, into, id), body)]
}

/** Versions go in steps of their own before their document, which may have more of them than one step holds. */
async function moveDocument(ctx: Ctx, id: string, from: string, into: string): Promise<void> {
  const document = await ctx.table.get<DocumentRow>(keys.document(from, id))
  if (!document) return
  const moves = (await versionRows(ctx, from, id)).map((version) => [
    ...move(version, keys.version(into, id, version.n)),
    { delete: keys.hash(from, version.sha256, id, version.n) },
    overwrite(keys.hash(into, version.sha256, id, version.n), { documentId: id, n: version.n }),
  ])
  while (moves.length > BATCH) await ctx.table.transact(moves.splice(0, BATCH).flat())
  const next = { ...document, ...keys.document(into, id), customerId: into, rev: document.rev + 1 }
  const { pk, sk } = entryOf(document).put
  await ctx.table.transact([
    remove(document),
    { put: next, if: 'absent' },
    { delete: { pk, sk } },
    entryOf(next),
    ...moves.flat(),
    // A lock that was due, or is renewed monthly, looks for the document where it was.
    ...(document.final ? [enqueue(ctx, { kind: 'lock', customerId: into, documentId: id })] : []),
  ])
}
