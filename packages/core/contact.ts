import * as z from 'zod'
import { allow } from './access.ts'
import type { MembershipRow } from './actor.ts'
import type { Ctx } from './ctx.ts'
import { loadActive, openFile, requireRevision } from './customer.ts'
import { Language, Phone } from './customer-fields.ts'
import { ArchiveError } from './errors.ts'
import { missing } from './folder.ts'
import { insert, overwrite, type Row, unchanged, update } from './item.ts'
import { enqueue } from './job.ts'
import { changesOf, journal } from './journal.ts'
import { keys } from './keys.ts'
import { invitationMail } from './mail.ts'
import type { Write } from './ports.ts'
import { retrying } from './retry.ts'
import { settings } from './settings.ts'
import { Email, Line } from './text.ts'

export const NewContact = z
  .strictObject({
    firstName: Line(100),
    lastName: Line(100),
    salutation: Line(50).optional(),
    position: Line(100).optional(),
    /** Where one-time codes go; a contact without one can't sign in. */
    email: Email.optional(),
    phone: Phone.optional(),
    language: Language.optional(),
  })
  .meta({ id: 'NewContact' })
export type NewContact = z.infer<typeof NewContact>

export const ContactPatch = z
  .strictObject({
    firstName: Line(100),
    lastName: Line(100),
    salutation: Line(50).nullable(),
    position: Line(100).nullable(),
    email: Email.nullable(),
    phone: Phone.nullable(),
    language: Language.nullable(),
    /** `blocked` closes the portal to this contact at once, whatever was granted. */
    portal: z.enum(['open', 'blocked']),
  })
  .partial()
  .meta({ id: 'ContactPatch' })
export type ContactPatch = z.infer<typeof ContactPatch>

export const Contact = z
  .object({
    id: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    salutation: z.string().optional(),
    position: z.string().optional(),
    email: z.string().optional(),
    phone: z.string().optional(),
    language: z.string().optional(),
    portal: z.enum(['open', 'blocked']),
    invitedAt: z.string().optional(),
    createdAt: z.string(),
    rev: z.number().int(),
  })
  .meta({ id: 'Contact' })
export type Contact = z.infer<typeof Contact>
export type ContactRow = Row<Omit<Contact, 'rev'>>

export function contactView({ pk: _pk, sk: _sk, v: _v, ...contact }: ContactRow): Contact {
  return contact
}

export const contactName = ({ firstName, lastName }: Pick<Contact, 'firstName' | 'lastName'>) =>
  `${firstName} ${lastName}`

/** Finding the person by e-mail at sign-in must be read-your-write, hence a row and not an index. */
function membership(customer: string, contact: Omit<Contact, 'rev'>): MembershipRow[] {
  if (!contact.email || contact.portal === 'blocked') return []
  const body = { customerId: customer, contactId: contact.id, name: contactName(contact), language: contact.language }
  return [overwrite(keys.membership(contact.email, customer, contact.id), body).put]
}

/**
 * Add a person at a customer. With an e-mail address they may sign in; they see nothing until something is shared.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `customer-archived`
 */
export function addContact(ctx: Ctx, customerId: string, input: NewContact): Promise<Contact> {
  allow(ctx, 'customer.write')
  return retrying(async () => {
    const customer = await loadActive(ctx, customerId)
    const id = ctx.newId('con')
    const contact = { id, ...input, portal: 'open' as const, createdAt: ctx.now.toISOString() }
    const row = insert(keys.contact(customer.id, id), contact)
    await ctx.table.transact([
      row,
      unchanged(customer),
      ...membership(customer.id, contact).map((put) => ({ put })),
      ...journal(ctx, 'contact.added', { customer: customer.id, contact: id }, { changes: changesOf({}, input) }),
    ])
    return contactView(row.put)
  })
}

/** @throws {ArchiveError} `forbidden` | `customer-not-found` */
export async function listContacts(ctx: Ctx, customerId: string): Promise<{ items: Contact[] }> {
  allow(ctx, 'customer.read')
  const { contacts } = await openFile(ctx, customerId)
  return { items: contacts.map(contactView) }
}

/** @throws {ArchiveError} `forbidden` | `customer-not-found` | `contact-not-found` | `stale` */
export function updateContact(
  ctx: Ctx,
  customerId: string,
  contactId: string,
  patch: ContactPatch,
  ifMatch?: number,
): Promise<Contact> {
  allow(ctx, 'customer.write')
  return retrying(async () => {
    const customer = await loadActive(ctx, customerId)
    const before = await ctx.table.get<ContactRow>(keys.contact(customer.id, contactId))
    if (!before) throw await missing(ctx, 'contact', customer.id)
    requireRevision(before, ifMatch)
    const changes = changesOf(contactView(before), patch)
    const cleared = Object.fromEntries(Object.entries(patch).map(([field, value]) => [field, value ?? undefined]))
    const row = update(before, cleared as Partial<ContactRow>)
    const old = membership(customer.id, before)
    const now = membership(customer.id, row.put)
    const gone = old.filter(({ pk }) => !now.some((member) => member.pk === pk))
    await ctx.table.transact([
      row,
      ...now.map((put) => ({ put })),
      ...gone.map(({ pk, sk }) => ({ delete: { pk, sk } })),
      ...journal(ctx, 'contact.updated', { customer: customer.id, contact: contactId }, { changes }),
    ])
    return contactView(row.put)
  })
}

/**
 * Write to a contact that the portal is open to them. Signing in needs no answer: the first sign-in accepts.
 *
 * @throws {ArchiveError} `forbidden` | `contact-not-found` | `contact-without-email` | `contact-blocked`
 */
export async function inviteContact(ctx: Ctx, customerId: string, contactId: string): Promise<Contact> {
  allow(ctx, 'customer.write')
  const customer = await loadActive(ctx, customerId)
  const before = await ctx.table.get<ContactRow>(keys.contact(customer.id, contactId))
  if (!before) throw await missing(ctx, 'contact', customer.id)
  const { email } = before
  if (!email) {
    throw new ArchiveError('conflict', 'contact-without-email', 'This contact has no e-mail address. Add one first.')
  }
  if (before.portal === 'blocked') {
    throw new ArchiveError('conflict', 'contact-blocked', 'The portal is closed to this contact. Open it first.')
  }
  const row = update(before, { invitedAt: ctx.now.toISOString() })
  await ctx.table.transact([
    row,
    await invitation(ctx, email, before.language),
    ...journal(ctx, 'contact.invited', { customer: customer.id, contact: contactId }),
  ])
  return contactView(row.put)
}

export async function invitation(ctx: Ctx, to: string, language?: string): Promise<Write> {
  const { company } = await settings(ctx.table)
  return enqueue(ctx, { kind: 'mail', mail: invitationMail({ to, company, link: `${ctx.url}/sign-in`, language }) })
}
