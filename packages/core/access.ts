import type { Role } from './actor.ts'
import type { ContactRow } from './contact.ts'
import type { Ctx } from './ctx.ts'
import type { CustomerRow } from './customer-fields.ts'
import { ArchiveError, signInRequired } from './errors.ts'
import type { FolderRow, TreeRow } from './folder.ts'
import type { GrantRow } from './grant.ts'

export type Action =
  | 'customer.read'
  | 'customer.write'
  | 'customer.restore'
  | 'customer.merge'
  | 'document.write'
  | 'grant.write'
  | 'journal.read'
  | 'retention.shorten'
  | 'archive.manage'

const CLERK: Action[] = ['customer.read', 'customer.write', 'document.write', 'grant.write', 'journal.read']
const MAY: Record<Role, readonly Action[]> = {
  clerk: CLERK,
  administrator: [...CLERK, 'customer.restore', 'customer.merge', 'retention.shorten', 'archive.manage'],
}

/** May this actor do this, as far as its roles go? Contacts have no role: they are served from their grants only. */
export function may(ctx: Pick<Ctx, 'actor'>, action: Action): boolean {
  const { actor } = ctx
  if (actor.kind === 'system') return true
  if (actor.kind === 'anonymous' || actor.kind === 'contact') return false
  return actor.roles.some((role) => MAY[role].includes(action))
}

/** @throws {ArchiveError} `sign-in-required` | `forbidden` */
export function allow(ctx: Pick<Ctx, 'actor'>, action: Action): void {
  if (may(ctx, action)) return
  if (ctx.actor.kind === 'anonymous') throw signInRequired()
  throw new ArchiveError(
    'forbidden',
    'forbidden',
    'Your role does not allow this. Ask an administrator of the archive.',
  )
}

/** All rows of a customer's `file#` range. */
export interface CustomerFile {
  customer: CustomerRow
  contacts: ContactRow[]
  folders: FolderRow[]
  grants: GrantRow[]
  /** Changes with every change of the folders' structure. */
  tree: TreeRow
}

/** What a contact may do with a folder or a document. */
export interface Permission {
  read?: 'view' | 'download'
  upload: boolean
}

export const NO_PERMISSION: Permission = { upload: false }

/** Answers for one person and one customer file. A folder's grants reach everything below it. */
export class Scope {
  readonly #folders: Map<string, FolderRow>
  readonly #granted = new Map<string, Permission>()
  readonly #resolved = new Map<string, Permission>()

  /**
   * @param contactIds  as whom the person is known here: after a merge, one person may be two contacts
   * @param day  today in the archive's zone: a grant holds through its last day
   */
  constructor(file: CustomerFile, contactIds: readonly string[], day: string) {
    this.#folders = new Map(file.folders.map((folder) => [folder.id, folder]))
    for (const grant of file.grants) {
      if (!contactIds.includes(grant.contactId) || (grant.until && grant.until < day)) continue
      const object = grant.folderId ?? grant.documentId
      if (object) this.#granted.set(object, join(this.#granted.get(object), permissionOf(grant)))
    }
  }

  folder(id: string): Permission {
    const known = this.#resolved.get(id)
    if (known) return known
    const folder = this.#folders.get(id)
    const inherited = folder?.parentId ? this.folder(folder.parentId) : NO_PERMISSION
    const permission = folder ? join(inherited, this.#granted.get(id)) : NO_PERMISSION
    this.#resolved.set(id, permission)
    return permission
  }

  /** Reading only: handing in is a matter of folders. */
  document({ id, folderId }: { id: string; folderId: string }): Permission {
    const { read } = join(this.folder(folderId), this.#granted.get(id))
    return { read, upload: false }
  }

  /** Documents that were granted one by one. */
  grantedDocuments(): string[] {
    return [...this.#granted.keys()].filter((id) => id.startsWith('doc_'))
  }
}

const permissionOf = ({ permission }: GrantRow): Permission =>
  permission === 'upload' ? { upload: true } : { read: permission, upload: false }

function join(a: Permission = NO_PERMISSION, b: Permission = NO_PERMISSION): Permission {
  const read = a.read === 'download' || b.read === 'download' ? 'download' : (a.read ?? b.read)
  return { read, upload: a.upload || b.upload }
}
