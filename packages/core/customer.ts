import { allow, type CustomerFile, Scope } from './access.ts'
import type { Membership } from './actor.ts'
import { today } from './calendar.ts'
import type { ContactRow } from './contact.ts'
import type { Ctx } from './ctx.ts'
import { type Customer, type CustomerPatch, type CustomerRow, NewCustomer, nameOf } from './customer-fields.ts'
import { directoryRows } from './directory.ts'
import { ArchiveError, notFound, signInRequired } from './errors.ts'
import { type FolderRow, type TreeRow, templateFolders } from './folder.ts'
import type { GrantRow } from './grant.ts'
import { insert, queryAll, update } from './item.ts'
import { changesOf, journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Item, Write } from './ports.ts'
import { retrying } from './retry.ts'
import { settings } from './settings.ts'

function customerView(row: CustomerRow): Customer {
  const { id, data, status, createdAt, updatedAt, rev } = row
  return { id, ...data, name: nameOf(data), status, createdAt, updatedAt, rev }
}

/**
 * Open a customer's file under the next number, with the template's folders.
 *
 * @throws {ArchiveError} `forbidden`
 */
export async function createCustomer(ctx: Ctx, data: NewCustomer): Promise<Customer> {
  allow(ctx, 'customer.write')
  const [number, { folderTemplate }] = await Promise.all([ctx.table.next('customer'), settings(ctx.table)])
  const id = `CUS-${String(number).padStart(4, '0')}`
  const at = ctx.now.toISOString()
  const customer = { id, data, status: 'active' as const, audience: 'open', createdAt: at, updatedAt: at }
  const row = insert(keys.customer(id), customer)
  await ctx.table.transact([
    row,
    insert(keys.tree(id), {}),
    ...templateFolders(ctx, id, folderTemplate),
    ...directoryRows(row.put).map((pointer) => ({ put: pointer })),
    ...journal(ctx, 'customer.created', { customer: id }, { changes: changesOf({}, data) }),
  ])
  return customerView(row.put)
}

/** The customer with this number, or the one it was merged into: 1 read, 2 for an alias. */
export async function loadCustomer(ctx: Ctx, id: string): Promise<CustomerRow> {
  const customer = await ctx.table.get<CustomerRow>(keys.customer(id))
  if (customer?.mergedInto) return loadCustomer(ctx, customer.mergedInto)
  if (!customer) throw notFound('customer')
  return customer
}

/** Where a contact's rights in one customer file come from. */
export interface OpenFile extends CustomerFile {
  /** What the asking contact may see; absent for staff, who see the whole file. */
  scope?: Scope
}

/**
 * Everything in a customer's `file#` range, and what the actor may see of it: 1 query.
 *
 * @throws {ArchiveError} `customer-not-found`, also for a customer whose file this contact has no part in
 */
export async function openFile(ctx: Ctx, customerId: string): Promise<OpenFile> {
  const { actor } = ctx
  if (actor.kind !== 'contact') allow(ctx, 'customer.read')
  const rows = await queryAll(ctx.table, { pk: keys.customer(customerId).pk, prefix: 'file#' })
  const customer = rows.find(({ sk }) => sk === 'file#customer') as CustomerRow | undefined
  if (customer?.mergedInto) return openFile(ctx, customer.mergedInto)
  const tree = rows.find(({ sk }) => sk === 'file#tree') as TreeRow | undefined
  if (!customer || !tree) throw notFound('customer')
  const of = <T>(noun: string) => rows.filter(({ sk }) => sk.startsWith(`file#${noun}#`)) as (Item & T)[]
  const file: CustomerFile = {
    customer,
    contacts: of<ContactRow>('contact'),
    folders: of<FolderRow>('folder'),
    grants: of<GrantRow>('grant'),
    tree,
  }
  if (actor.kind !== 'contact') return file
  const known = actor.memberships.filter((membership) => membership.customerId === customer.id)
  const mine = file.contacts.filter(
    ({ id, portal }) => portal !== 'blocked' && known.some(({ contactId }) => contactId === id),
  )
  if (mine.length === 0 || customer.status !== 'active') throw notFound('customer')
  const scope = new Scope(
    file,
    mine.map(({ id }) => id),
    today(ctx.now, ctx.zone),
  )
  return { ...file, scope }
}

/** The files a contact has a part in now; those of archived customers are left out. */
export async function openFiles(ctx: Ctx, memberships: Membership[]): Promise<OpenFile[]> {
  const ids = [...new Set(memberships.map(({ customerId }) => customerId))]
  const files = await Promise.all(
    ids.map((id) =>
      openFile(ctx, id).catch((error) => {
        if (error instanceof ArchiveError && error.kind === 'not-found') return undefined
        throw error
      }),
    ),
  )
  return files.filter((file) => file !== undefined)
}

/** @throws {ArchiveError} `forbidden` | `customer-not-found` */
export async function getCustomer(ctx: Ctx, id: string): Promise<Customer> {
  if (ctx.actor.kind === 'anonymous') throw signInRequired()
  if (ctx.actor.kind === 'contact') {
    const {
      id: number,
      type,
      name,
      status,
      createdAt,
      updatedAt,
      rev,
    } = customerView((await openFile(ctx, id)).customer)
    const unseen = { roles: [], emails: [], domains: [], phones: [] }
    return { id: number, type, name, status, createdAt, updatedAt, rev, ...unseen }
  }
  allow(ctx, 'customer.read')
  return customerView(await loadCustomer(ctx, id))
}

/**
 * Change some fields; every change is journalled field by field.
 *
 * @param ifMatch  the revision the change was made on
 * @throws {ArchiveError} `forbidden` | `customer-not-found` | `customer-archived` | `stale`
 */
export function updateCustomer(ctx: Ctx, id: string, patch: CustomerPatch, ifMatch?: number): Promise<Customer> {
  allow(ctx, 'customer.write')
  return retrying(async () => {
    const before = await loadActive(ctx, id)
    requireRevision(before, ifMatch)
    const given = Object.entries(patch).filter(([, value]) => value !== undefined)
    const kept = Object.entries({ ...before.data, ...Object.fromEntries(given) }).filter(([, value]) => value !== null)
    const data = NewCustomer.parse(Object.fromEntries(kept))
    const changes = changesOf({ ...nulls(data), ...before.data }, { ...nulls(before.data), ...data })
    if (Object.keys(changes).length === 0) return customerView(before)
    return save(ctx, before, { data }, journal(ctx, 'customer.updated', { customer: before.id }, { changes }))
  })
}

const nulls = (data: object) => Object.fromEntries(Object.keys(data).map((field) => [field, null]))

/**
 * Take a customer out of the daily lists. Nothing is deleted; its contacts can't see the file any more.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found`
 */
export function archiveCustomer(ctx: Ctx, id: string): Promise<Customer> {
  allow(ctx, 'customer.write')
  return changeStatus(ctx, id, 'archived', 'customer.archived')
}

/** @throws {ArchiveError} `forbidden` (administrators only) | `customer-not-found` */
export function restoreCustomer(ctx: Ctx, id: string): Promise<Customer> {
  allow(ctx, 'customer.restore')
  return changeStatus(ctx, id, 'active', 'customer.restored')
}

function changeStatus(ctx: Ctx, id: string, status: 'active' | 'archived', action: string): Promise<Customer> {
  return retrying(async () => {
    const before = await loadCustomer(ctx, id)
    if (before.status === status) return customerView(before)
    return save(ctx, before, { status }, journal(ctx, action, { customer: before.id }))
  })
}

async function save(ctx: Ctx, before: CustomerRow, change: Partial<CustomerRow>, more: Write[]): Promise<Customer> {
  const row = update(before, { ...change, updatedAt: ctx.now.toISOString() })
  const pointers = directoryRows(row.put)
  const kept = new Set(pointers.map(({ sk }) => sk))
  const gone = directoryRows(before).filter(({ sk }) => !kept.has(sk))
  await ctx.table.transact([
    row,
    ...pointers.map((put) => ({ put })),
    ...gone.map(({ pk, sk }) => ({ delete: { pk, sk } })),
    ...more,
  ])
  return customerView(row.put)
}

/** A customer that may be changed. @throws {ArchiveError} `customer-not-found` | `customer-archived` */
export async function loadActive(ctx: Ctx, id: string): Promise<CustomerRow> {
  const customer = await loadCustomer(ctx, id)
  requireActive(customer)
  return customer
}

export function requireActive(customer: CustomerRow): void {
  if (customer.status === 'active') return
  throw new ArchiveError(
    'conflict',
    'customer-archived',
    'This customer is archived. An administrator can restore it; then try again.',
  )
}

/** Honour `If-Match`. @throws {ArchiveError} `stale` */
export function requireRevision(row: Item, ifMatch: number | undefined): void {
  if (ifMatch === undefined || row.rev === ifMatch) return
  throw new ArchiveError(
    'precondition-failed',
    'stale',
    'Somebody changed this since you read it. Reload it, look at the change, and try again.',
    { rev: row.rev },
  )
}
