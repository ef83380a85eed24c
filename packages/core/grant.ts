import * as z from 'zod'
import { allow } from './access.ts'
import { today } from './calendar.ts'
import { invitation } from './contact.ts'
import type { Ctx } from './ctx.ts'
import { openFile, requireActive } from './customer.ts'
import type { DocumentRow } from './document.ts'
import { ArchiveError } from './errors.ts'
import { absent, find } from './folder.ts'
import { insert, type Row, remove, update } from './item.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import { retrying } from './retry.ts'
import { CalendarDate } from './text.ts'
import { confirmWidening, gainedByGrant } from './widening.ts'

const GrantPermission = z.enum(['view', 'download', 'upload'])

export const NewGrant = z
  .strictObject({
    contactId: z.string().max(100),
    /** A folder with everything below it, or one document: exactly one of the two. */
    folderId: z.string().max(100).optional(),
    documentId: z.string().max(100).optional(),
    /**
     * `view` shows final versions, `download` also hands them out, `upload` lets the contact hand documents in.
     * Viewing means inline only: it does not protect against copying what is shown.
     */
    permission: GrantPermission,
    /** The last day on which it holds. */
    until: CalendarDate.optional(),
    /** Say that the list in a `widens-access` answer is what is meant. */
    confirm: z.boolean().optional(),
  })
  .refine(({ folderId, documentId }) => (folderId === undefined) !== (documentId === undefined), {
    message: 'name either a folderId or a documentId',
    path: ['folderId'],
  })
  .refine(({ documentId, permission }) => documentId === undefined || permission !== 'upload', {
    message: 'upload is granted on a folder',
    path: ['permission'],
  })
  .meta({ id: 'NewGrant' })
export type NewGrant = z.infer<typeof NewGrant>

export const Grant = z
  .object({
    id: z.string(),
    contactId: z.string(),
    folderId: z.string().optional(),
    documentId: z.string().optional(),
    permission: GrantPermission,
    until: z.iso.date().optional(),
    /** The folder's name or the document's title when it was shared. */
    name: z.string(),
    createdAt: z.string(),
    rev: z.number().int(),
  })
  .meta({ id: 'Grant' })
export type Grant = z.infer<typeof Grant>
export type GrantRow = Row<Omit<Grant, 'rev'>>

function grantView({ pk: _pk, sk: _sk, v: _v, ...grant }: GrantRow): Grant {
  return grant
}

/**
 * Share a folder or a document with a contact. The first share also writes to them; their first sign-in accepts.
 * The same share again changes its last day.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `contact-not-found` | `contact-blocked`
 *   | `folder-not-found` | `document-not-found` | `until-past` | `widens-access` (until confirmed)
 */
export function createGrant(ctx: Ctx, customerId: string, input: NewGrant): Promise<Grant> {
  allow(ctx, 'grant.write')
  return retrying(async () => {
    const file = await openFile(ctx, customerId)
    requireActive(file.customer)
    const customer = file.customer.id
    const { contactId, folderId, documentId, permission, until } = input
    const contact = file.contacts.find(({ id }) => id === contactId)
    if (!contact) throw absent(file, 'contact')
    if (contact.portal === 'blocked') {
      throw new ArchiveError('conflict', 'contact-blocked', 'The portal is closed to this contact. Open it first.')
    }
    if (until && until < today(ctx.now, ctx.zone)) {
      throw new ArchiveError('invalid', 'until-past', 'The last day lies in the past. Choose today or a later day.')
    }
    const folder = folderId === undefined ? undefined : find(file, folderId)
    const document =
      documentId === undefined ? undefined : await ctx.table.get<DocumentRow>(keys.document(customer, documentId))
    if (documentId !== undefined && !document) throw absent(file, 'document')
    const name = folder?.name ?? document?.title ?? ''
    const before = file.grants.find(
      (grant) =>
        grant.contactId === contactId &&
        grant.permission === permission &&
        grant.folderId === folderId &&
        grant.documentId === documentId,
    )
    // Repeated after a lost answer, it changes nothing and is no second event.
    if (before && before.until === until) return grantView(before)
    const id = before?.id ?? ctx.newId('grt')
    const body = { id, contactId, folderId, documentId, permission, until, name, createdAt: ctx.now.toISOString() }
    const row = before ? update(before, { until }) : insert(keys.grant(customer, id), body)
    const gained = gainedByGrant(ctx, file, row.put, { folderId, document, name })
    confirmWidening(gained, input.confirm)
    const invite = !contact.invitedAt && contact.email
    await ctx.table.transact([
      row,
      update(file.tree, {}),
      invite
        ? update(contact, { invitedAt: ctx.now.toISOString() })
        : { check: { pk: contact.pk, sk: contact.sk }, if: 'present' },
      ...(invite ? [await invitation(ctx, invite, contact.language)] : []),
      ...journal(
        ctx,
        before ? 'grant.changed' : 'grant.created',
        { customer, contact: contactId, folder: folderId, document: documentId, grant: id },
        { permission, until, gained },
      ),
    ])
    return grantView(row.put)
  })
}

/** @throws {ArchiveError} `forbidden` | `customer-not-found` */
export async function listGrants(ctx: Ctx, customerId: string): Promise<{ items: Grant[] }> {
  allow(ctx, 'customer.read')
  const { grants } = await openFile(ctx, customerId)
  return { items: grants.map(grantView) }
}

/**
 * Take a share back. It holds no longer from the next request on; a link to content already given dies within 60 s.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `grant-not-found`
 */
export function revokeGrant(ctx: Ctx, customerId: string, grantId: string): Promise<void> {
  allow(ctx, 'grant.write')
  return retrying(async () => {
    const file = await openFile(ctx, customerId)
    const { customer, grants } = file
    const grant = grants.find(({ id }) => id === grantId)
    if (!grant) throw absent(file, 'grant')
    const { contactId: contact, folderId: folder, documentId: document, permission } = grant
    const objects = { customer: customer.id, contact, folder, document, grant: grantId }
    await ctx.table.transact([remove(grant), ...journal(ctx, 'grant.revoked', objects, { permission })])
  })
}
