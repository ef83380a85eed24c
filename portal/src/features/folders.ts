import { type Contact, contactName } from '@registratur/core/contact'
import type { Ctx } from '@registratur/core/ctx'
import {
  createFolder,
  deleteFolder,
  type FolderNode,
  FolderPatch,
  NewFolder,
  updateFolder,
} from '@registratur/core/folder'
import type { Handlers } from '../form.ts'
import type { Translate } from '../messages/index.ts'
import { paths } from '../paths.ts'

/** A folder with the names above it. */
export interface FolderPath {
  folder: FolderNode
  above: FolderNode[]
}

/** Every folder of a tree in reading order. */
export function flatten(folders: FolderNode[], above: FolderNode[] = []): FolderPath[] {
  return folders.flatMap((folder) => [{ folder, above }, ...flatten(folder.children, [...above, folder])])
}

export const pathName = ({ folder, above }: FolderPath) =>
  [...above, folder].map(({ name, contact }) => (contact ? `${name} (${contact})` : name)).join(' / ')

/** Folders for a select; `without` leaves out one folder and what lies below it. */
export function folderOptions(folders: FolderNode[], without?: string): { value: string; label: string }[] {
  return flatten(folders)
    .filter(({ folder, above }) => ![...above, folder].some(({ id }) => id === without))
    .map((path) => ({ value: path.folder.id, label: pathName(path) }))
}

/** Where a contact's own tree begins. */
export function contactTrees(contacts: Contact[], t: Translate): { value: string; label: string }[] {
  return contacts.map((contact) => ({
    value: `contact:${contact.id}`,
    label: t('folder.topOfContact', { name: contactName(contact) }),
  }))
}

export function folderHandlers(ctx: Ctx, customerId: string, folder?: FolderNode): Handlers {
  const id = folder?.id ?? ''
  const here = paths.customer(customerId, folder?.id)
  return {
    'folder-create': async (form) => {
      const [, contactId] = form.text('parentId')?.match(/^contact:(.+)$/) ?? []
      const above = contactId ? { contactId } : { parentId: form.text('parentId') }
      const input = NewFolder.parse({ name: form.required('name'), ...above })
      const created = await createFolder(ctx, customerId, input)
      return {
        to: paths.customer(customerId, created.id),
        flash: { key: 'folder.created', params: { name: created.name } },
      }
    },
    'folder-rename': async (form) => {
      const { name } = FolderPatch.parse({ name: form.required('name') })
      await updateFolder(ctx, customerId, id, { name })
      return { to: here, flash: { key: 'form.saved' } }
    },
    'folder-move': async (form) => {
      const confirm = form.text('confirm') === 'true'
      await updateFolder(ctx, customerId, id, { parentId: form.text('parentId') ?? null, confirm })
      return { to: here, flash: { key: 'folder.moved' } }
    },
    'folder-delete': async () => {
      await deleteFolder(ctx, customerId, id)
      const to = paths.customer(customerId, folder?.parentId ?? undefined)
      return { to, flash: { key: 'folder.deleted', params: { name: folder?.name ?? '' } } }
    },
  }
}
