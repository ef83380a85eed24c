import * as z from 'zod'
import { allow } from './access.ts'
import { Role, type StaffRow } from './actor.ts'
import type { Ctx } from './ctx.ts'
import { ArchiveError, notFound } from './errors.ts'
import { insert, overwrite, queryAll, type Row, SCHEMA, update } from './item.ts'
import { enqueue } from './job.ts'
import { changesOf, journal } from './journal.ts'
import { keys } from './keys.ts'
import { staffInvitationMail } from './mail.ts'
import type { Item, Table, Write } from './ports.ts'
import { retrying } from './retry.ts'
import { GERMAN_TEMPLATE, settings } from './settings.ts'
import { Email, Line } from './text.ts'

const Roles = z
  .array(Role)
  .min(1, 'give at least one role')
  .overwrite((roles) => [...new Set(roles)])

export const NewStaff = z.strictObject({ email: Email, name: Line(200), roles: Roles }).meta({ id: 'NewStaff' })
export type NewStaff = z.infer<typeof NewStaff>

export const StaffPatch = z
  .strictObject({ name: Line(200), roles: Roles, status: z.enum(['active', 'deactivated']) })
  .partial()
  .meta({ id: 'StaffPatch' })
export type StaffPatch = z.infer<typeof StaffPatch>

export const Staff = z
  .object({
    id: z.string(),
    email: z.string(),
    name: z.string(),
    roles: z.array(Role),
    status: z.enum(['invited', 'active', 'deactivated']),
    invitedAt: z.string(),
    lastSignInAt: z.string().optional(),
  })
  .meta({ id: 'Staff' })
export type Staff = z.infer<typeof Staff>

export const SetUp = z.strictObject({
  name: Line(200),
  email: Email,
  company: Line(200),
  /** Of the person setting up; decides the names of the template folders. */
  language: z.enum(['en', 'de']).default('en'),
})

type AdministratorsRow = Row<{ emails: string[] }>

function staffView({ id, email, name, roles, status, invitedAt, lastSignInAt }: StaffRow): Staff {
  return { id, email, name, roles, status, invitedAt, lastSignInAt }
}

/** The staff list repeats every member's row, so that the page is one query. */
const listed = (row: StaffRow): Write => overwrite(keys.staffList(row.email), staffView(row))

export async function isSetUp(table: Table): Promise<boolean> {
  return (await table.get(keys.administrators)) !== undefined
}

/**
 * Make the first administrator and name the company. Works once.
 *
 * @throws {ArchiveError} `already-set-up`
 */
export async function setUp(ctx: Ctx, input: z.infer<typeof SetUp>): Promise<Staff> {
  const { name, email, company, language } = input
  const id = ctx.newId('stf')
  const at = ctx.now.toISOString()
  const member: Staff = { id, email, name, roles: ['administrator'], status: 'active', invitedAt: at }
  const row = insert(keys.staff(email), member)
  const { folderTemplate } = await settings(ctx.table)
  const template = language === 'de' ? GERMAN_TEMPLATE : folderTemplate
  const here = { ...ctx, actor: { kind: 'staff', ...member } } as Ctx
  try {
    await ctx.table.transact([
      insert(keys.administrators, { emails: [email] }),
      row,
      listed(row.put),
      { put: { company, folderTemplate: template, ...keys.settings, rev: 1, v: SCHEMA } as Item, if: 'absent' },
      ...journal(here, 'archive.set-up', { staff: id }, { company }),
    ])
  } catch (error) {
    if (!(await isSetUp(ctx.table))) throw error
    throw new ArchiveError('conflict', 'already-set-up', 'This archive has been set up already. Sign in instead.')
  }
  return member
}

/**
 * Invite somebody to the staff. They sign in with a code sent to their address; nothing else is needed.
 *
 * @throws {ArchiveError} `forbidden` | `staff-exists`
 */
export function inviteStaff(ctx: Ctx, { email, name, roles }: NewStaff): Promise<Staff> {
  allow(ctx, 'archive.manage')
  return retrying(async () => {
    if (await ctx.table.get(keys.staff(email))) {
      throw new ArchiveError('conflict', 'staff-exists', 'Somebody with this e-mail address is on the staff already.')
    }
    const id = ctx.newId('stf')
    const row = insert(keys.staff(email), {
      ...{ id, email, name, roles, status: 'invited' as const },
      invitedAt: ctx.now.toISOString(),
    })
    const { company } = await settings(ctx.table)
    await ctx.table.transact([
      row,
      listed(row.put),
      ...(await administrators(ctx, row.put)),
      enqueue(ctx, { kind: 'mail', mail: staffInvitationMail({ to: email, company, link: `${ctx.url}/sign-in` }) }),
      ...journal(ctx, 'staff.invited', { staff: id }, { email, name, roles }),
    ])
    return staffView(row.put)
  })
}

/** @throws {ArchiveError} `forbidden` */
export async function listStaff(ctx: Ctx): Promise<{ items: Staff[] }> {
  allow(ctx, 'archive.manage')
  const rows = await queryAll<StaffRow>(ctx.table, { pk: 'staff', prefix: 'member#' })
  return { items: rows.map(staffView) }
}

/**
 * Change a member's name, roles or status. Who is deactivated is out with their next request.
 *
 * @throws {ArchiveError} `forbidden` | `staff-not-found` | `last-administrator`
 */
export function updateStaff(ctx: Ctx, email: string, patch: StaffPatch): Promise<Staff> {
  allow(ctx, 'archive.manage')
  return retrying(async () => {
    const before = await ctx.table.get<StaffRow>(keys.staff(email))
    if (!before) throw notFound('staff')
    const row = update(before, patch)
    const changes = changesOf(before, patch)
    await ctx.table.transact([
      row,
      listed(row.put),
      ...(await administrators(ctx, row.put)),
      ...journal(ctx, 'staff.updated', { staff: before.id }, { changes }),
    ])
    return staffView(row.put)
  })
}

/**
 * Keep the row that says who administrates. Two administrators who deactivate each other at once both write it:
 * one of them fails, so one is left.
 */
async function administrators(ctx: Ctx, member: StaffRow): Promise<Write[]> {
  const row = await ctx.table.get<AdministratorsRow>(keys.administrators)
  const others = (row?.emails ?? []).filter((email) => email !== member.email)
  const is = member.status !== 'deactivated' && member.roles.includes('administrator')
  const emails = is ? [...others, member.email].sort() : others
  if (row && emails.length === 0) {
    throw new ArchiveError('conflict', 'last-administrator', 'This is the last administrator. Make another one first.')
  }
  if (!row) return is ? [insert(keys.administrators, { emails })] : []
  return [update(row, { emails })]
}

/** Journal that somebody signed in; an invitation is accepted by it. */
export async function recordSignIn(ctx: Ctx): Promise<void> {
  const { actor } = ctx
  const at = ctx.now.toISOString()
  if (actor.kind === 'staff') {
    await retrying(async () => {
      const before = await ctx.table.get<StaffRow>(keys.staff(actor.email))
      if (!before || before.status === 'deactivated') return
      const row = update(before, { status: 'active', lastSignInAt: at })
      await ctx.table.transact([row, listed(row.put), ...journal(ctx, 'staff.signed-in', { staff: actor.id })])
    })
  }
  if (actor.kind === 'contact') {
    for (const { customerId: customer, contactId: contact } of actor.memberships) {
      await ctx.table.transact(journal(ctx, 'contact.signed-in', { customer, contact }))
    }
  }
}
