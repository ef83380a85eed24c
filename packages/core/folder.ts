import * as z from 'zod'
import { allow, type Permission } from './access.ts'
import { type ContactRow, contactName } from './contact.ts'
import type { Ctx } from './ctx.ts'
import { type OpenFile, openFile, requireActive, requireRevision } from './customer.ts'
import { ArchiveError, ConflictError, notFound } from './errors.ts'
import { insert, type Row, remove, update } from './item.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Write } from './ports.ts'
import { retrying } from './retry.ts'
import { FileName, fold } from './text.ts'
import { confirmWidening, gainedByMove } from './widening.ts'

export const MOST_FOLDERS = 2000

export type FolderRow = Row<{
  id: string
  name: string
  /** Absent at the top of a tree. */
  parentId?: string
  /** Whose tree this is, when it is not the customer's own. */
  contactId?: string
  /** Being deleted: nothing may be filed here any more. */
  closing?: boolean
}>

/** Its revision orders the structural changes of a file. */
export type TreeRow = Row<{
  /** Numbers merged into this one whose folders and documents are still on their way. */
  merging?: string[]
}>

export const NewFolder = z
  .strictObject({
    name: FileName,
    parentId: z.string().nullable().optional(),
    /** Begin a tree of this contact's own. Only without `parentId`; below it, folders belong to the same tree. */
    contactId: z.string().optional(),
  })
  .meta({ id: 'NewFolder' })

export const FolderPatch = z
  .strictObject({
    name: FileName.optional(),
    /** The new parent; `null` moves it to the top of its tree. */
    parentId: z.string().nullable().optional(),
    confirm: z.boolean().optional(),
  })
  .meta({ id: 'FolderPatch' })

export interface FolderNode {
  id: string
  name: string
  parentId: string | null
  contactId?: string
  /** At the top of a contact's own tree: the contact's name; for staff. */
  contact?: string
  rev: number
  /** What the asking contact may do here; absent for staff. */
  permission?: Permission
  children: FolderNode[]
}

export const FolderNode: z.ZodType<FolderNode> = z
  .object({
    id: z.string(),
    name: z.string(),
    parentId: z.string().nullable(),
    contactId: z.string().optional(),
    contact: z.string().optional(),
    rev: z.number().int(),
    permission: z.object({ read: z.enum(['view', 'download']).optional(), upload: z.boolean() }).optional(),
    get children() {
      return z.array(FolderNode)
    },
  })
  .meta({ id: 'Folder' })

/** The folders that a new customer's file begins with. */
export function templateFolders(ctx: Ctx, customerId: string, names: string[]): Write[] {
  return names.map((name) => {
    const id = ctx.newId('fld')
    return insert(keys.folder(customerId, id), { id, name })
  })
}

/**
 * The folder trees of a customer file, sorted by name. A contact gets the folders shared with them, each topmost one
 * as a root.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found`
 */
export async function folderTree(ctx: Ctx, customerId: string): Promise<{ items: FolderNode[] }> {
  return { items: treeOf(await openFile(ctx, customerId)) }
}

export function treeOf({ folders, contacts, scope }: OpenFile): FolderNode[] {
  const nodes = new Map<string, FolderNode>()
  for (const folder of folders) {
    const permission = scope?.folder(folder.id)
    if (permission && !permission.read && !permission.upload) continue
    nodes.set(folder.id, { ...nodeOf(folder), contact: scope ? undefined : ownerOf(folder, contacts), permission })
  }
  const roots: FolderNode[] = []
  for (const node of nodes.values()) {
    const siblings = (node.parentId && nodes.get(node.parentId)?.children) || roots
    siblings.push(node)
  }
  const byName = (a: FolderNode, b: FolderNode) => (fold(a.name) < fold(b.name) ? -1 : 1)
  for (const siblings of [roots, ...[...nodes.values()].map((node) => node.children)]) siblings.sort(byName)
  return roots
}

function ownerOf({ parentId, contactId }: FolderRow, contacts: ContactRow[]): string | undefined {
  const owner = parentId === undefined ? contacts.find(({ id }) => id === contactId) : undefined
  return owner && contactName(owner)
}

function nodeOf({ id, name, parentId, contactId, rev }: FolderRow): FolderNode {
  return { id, name, parentId: parentId ?? null, contactId, rev, children: [] }
}

/**
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `folder-not-found` (the parent) | `contact-not-found`
 *   | `folder-exists` | `too-many-folders`
 */
export function createFolder(ctx: Ctx, customerId: string, input: z.infer<typeof NewFolder>): Promise<FolderNode> {
  allow(ctx, 'document.write')
  return changeTree(ctx, customerId, (file) => {
    const { name } = input
    const parentId = input.parentId ?? undefined
    const parent = parentId === undefined ? undefined : find(file, parentId)
    const contactId = parent ? parent.contactId : input.contactId
    if (contactId && !file.contacts.some(({ id }) => id === contactId)) throw absent(file, 'contact')
    if (file.folders.length >= MOST_FOLDERS) {
      throw new ArchiveError('conflict', 'too-many-folders', `A file holds at most ${MOST_FOLDERS} folders. Use fewer.`)
    }
    requireFreeName(file, { name, parentId, contactId })
    const id = ctx.newId('fld')
    const row = insert(keys.folder(file.customer.id, id), { id, name, parentId, contactId })
    const writes = [row, ...journal(ctx, 'folder.created', { customer: file.customer.id, folder: id }, { name })]
    return { writes, result: nodeOf(row.put) }
  })
}

/**
 * Rename or move a folder with everything below it. Content is not touched.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `folder-not-found` | `folder-exists` | `folder-cycle`
 *   | `widens-access` (until confirmed) | `stale`
 */
export function updateFolder(
  ctx: Ctx,
  customerId: string,
  folderId: string,
  patch: z.infer<typeof FolderPatch>,
  ifMatch?: number,
): Promise<FolderNode> {
  allow(ctx, 'document.write')
  return changeTree(ctx, customerId, (file) => {
    const before = find(file, folderId)
    requireRevision(before, ifMatch)
    const parentId = patch.parentId === undefined ? before.parentId : (patch.parentId ?? undefined)
    const name = patch.name ?? before.name
    const parent = parentId === undefined ? undefined : find(file, parentId)
    if (parent && (parent.contactId ?? '') !== (before.contactId ?? '')) {
      throw new ArchiveError('conflict', 'other-tree', 'A folder stays in its own tree. Move its documents instead.')
    }
    for (let above = parent; above; above = above.parentId ? find(file, above.parentId) : undefined) {
      if (above.id !== folderId) continue
      throw new ArchiveError('conflict', 'folder-cycle', 'A folder can’t be moved into itself. Choose another one.')
    }
    requireFreeName(file, { id: folderId, name, parentId, contactId: before.contactId })
    const moved = parentId !== before.parentId
    const gained = moved ? gainedByMove(ctx, file, before, parentId) : []
    confirmWidening(gained, patch.confirm)
    const row = update(before, { name, parentId })
    const details = {
      changes: { name: { from: before.name, to: name }, parent: { from: before.parentId, to: parentId } },
    }
    const action = moved ? 'folder.moved' : 'folder.renamed'
    const entry = journal(ctx, action, { customer: file.customer.id, folder: folderId }, { ...details, gained })
    return { writes: [row, ...entry], result: nodeOf(row.put) }
  })
}

/**
 * Delete an empty folder.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `folder-not-found` | `folder-not-empty`
 *   | `merge-running` (then documents may still be on their way into it)
 */
export async function deleteFolder(ctx: Ctx, customerId: string, folderId: string): Promise<void> {
  allow(ctx, 'document.write')
  const notEmpty = new ArchiveError(
    'conflict',
    'folder-not-empty',
    'This folder is not empty. Move what is in it first.',
  )
  // Filing conditions on the folder's revision: once it is closing, a filing that read it before fails and sees it gone.
  const closing = await changeTree(ctx, customerId, (file) => {
    if (file.tree.merging?.length) throw mergeRunning()
    if (file.folders.some(({ parentId }) => parentId === folderId)) throw notEmpty
    const row = update(find(file, folderId, { closing: true }), { closing: true })
    return { writes: [row], result: row.put }
  })
  const { items } = await ctx.table.query({ pk: closing.pk, prefix: `entry#${folderId}#`, limit: 1 })
  if (items.length > 0) {
    await changeTree(ctx, customerId, (file) => {
      const row = update(find(file, folderId, { closing: true }), { closing: undefined })
      return { writes: [row], result: undefined }
    })
    throw notEmpty
  }
  await changeTree(ctx, customerId, (file) => {
    const folder = find(file, folderId, { closing: true })
    // Opened again, or moved by a merge: what was found empty is no longer what would be deleted.
    if (folder.pk !== closing.pk || folder.rev !== closing.rev) throw new ConflictError([folder])
    const grants = file.grants.filter((grant) => grant.folderId === folderId)
    const objects = { customer: file.customer.id, folder: folderId }
    const entry = journal(ctx, 'folder.deleted', objects, { name: folder.name })
    return { writes: [remove(folder), ...grants.map(remove), ...entry], result: undefined }
  })
}

/** @throws {ArchiveError} `folder-not-found` | `merge-running` */
export function find(file: OpenFile, folderId: string, { closing = false } = {}): FolderRow {
  const folder = file.folders.find(({ id }) => id === folderId)
  if (!folder || (folder.closing && !closing)) throw absent(file, 'folder')
  return folder
}

/** Why something is not in a file: a merge may still be bringing it. */
export function absent({ tree, scope }: Pick<OpenFile, 'tree' | 'scope'>, noun: string): ArchiveError {
  return tree.merging?.length && !scope ? mergeRunning() : notFound(noun)
}

/** The same for whoever has not read the file: 1 read. */
export async function missing(ctx: Ctx, noun: string, customerId: string): Promise<ArchiveError> {
  const tree = await ctx.table.get<TreeRow>(keys.tree(customerId))
  // Merged since the customer was read.
  return tree ? absent({ tree }, noun) : new ConflictError([keys.tree(customerId)])
}

export function mergeRunning(): ArchiveError {
  return new ArchiveError(
    'conflict',
    'merge-running',
    'Another record is being merged into this customer. Try again in a moment.',
  )
}

/** Every structural change also writes the tree's row: two that cross can't both be right (design: no cycles). */
function changeTree<T>(
  ctx: Ctx,
  customerId: string,
  decide: (file: OpenFile) => { writes: Write[]; result: T },
): Promise<T> {
  return retrying(async () => {
    const file = await openFile(ctx, customerId)
    requireActive(file.customer)
    const { writes, result } = decide(file)
    await ctx.table.transact([update(file.tree, {}), ...writes])
    return result
  })
}

function requireFreeName(file: OpenFile, folder: Partial<FolderRow> & { name: string }): void {
  const taken = file.folders.some(
    ({ id, name, parentId, contactId }) =>
      id !== folder.id &&
      parentId === folder.parentId &&
      (folder.parentId !== undefined || contactId === folder.contactId) &&
      fold(name) === fold(folder.name),
  )
  if (taken) {
    throw new ArchiveError('conflict', 'folder-exists', 'There is a folder of this name already. Choose another name.')
  }
}
