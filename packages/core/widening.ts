import { type CustomerFile, Scope } from './access.ts'
import { today } from './calendar.ts'
import { contactName } from './contact.ts'
import type { Ctx } from './ctx.ts'
import { ArchiveError } from './errors.ts'
import type { FolderRow } from './folder.ts'
import type { GrantRow } from './grant.ts'

/** What one contact would be able to read after a change, and could not read, or not download, before it. */
export interface Gain {
  contactId: string
  contact: string
  /** A folder (with everything below it) or a document. */
  folderId?: string
  documentId?: string
  name: string
  from: 'view' | null
  to: 'view' | 'download'
}

type Read = 'view' | 'download' | undefined

/**
 * Stop a change that lets somebody see more until it is repeated with `confirm: true`.
 *
 * @throws {ArchiveError} `widens-access` with the `list` of gains
 */
export function confirmWidening(gained: Gain[], confirm: boolean | undefined): void {
  if (gained.length === 0 || confirm) return
  throw new ArchiveError(
    'conflict',
    'widens-access',
    'This lets somebody see more than before. Check the list, then repeat it with confirm: true.',
    { list: gained },
  )
}

/** Who sees more of a folder once it lies below another parent. */
export function gainedByMove(ctx: Ctx, file: CustomerFile, folder: FolderRow, parentId: string | undefined): Gain[] {
  const folders = file.folders.map((each) => (each.id === folder.id ? { ...each, parentId } : each))
  const { id, name } = folder
  return gains(ctx, file, { ...file, folders }, (scope) => scope.folder(id).read, { folderId: id, name })
}

/** Who sees more of a document once it lies in another folder. */
export function gainedByRefiling(
  ctx: Ctx,
  file: CustomerFile,
  document: { id: string; title: string; folderId: string },
  folderId: string,
): Gain[] {
  const { id, title } = document
  const name = { documentId: id, name: title }
  const before = (scope: Scope) => scope.document(document).read
  return gains(ctx, file, file, before, name, (scope) => scope.document({ id, folderId }).read)
}

/** What a new grant adds for its contact. */
export function gainedByGrant(
  ctx: Ctx,
  file: CustomerFile,
  grant: GrantRow,
  object: { folderId?: string; document?: { id: string; folderId: string }; name: string },
): Gain[] {
  const { folderId, document, name } = object
  const read = (scope: Scope) =>
    (document ? scope.document(document).read : folderId && scope.folder(folderId).read) || undefined
  return gains(ctx, file, { ...file, grants: [...file.grants, grant] }, read, {
    folderId,
    documentId: document?.id,
    name,
  })
}

function gains(
  ctx: Ctx,
  before: CustomerFile,
  after: CustomerFile,
  readBefore: (scope: Scope) => Read,
  object: Pick<Gain, 'folderId' | 'documentId' | 'name'>,
  readAfter = readBefore,
): Gain[] {
  const day = today(ctx.now, ctx.zone)
  return before.contacts.flatMap((contact) => {
    const from = readBefore(new Scope(before, [contact.id], day))
    const to = readAfter(new Scope(after, [contact.id], day))
    if (!to || to === from || from === 'download') return []
    return [{ contactId: contact.id, contact: contactName(contact), ...object, from: from ?? null, to }]
  })
}
