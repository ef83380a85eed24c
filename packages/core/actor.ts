import * as z from 'zod'
import { keys } from './keys.ts'
import type { Item, Table } from './ports.ts'

export const Role = z.enum(['administrator', 'clerk']).meta({ id: 'Role' })
export type Role = z.infer<typeof Role>

export interface Membership {
  customerId: string
  contactId: string
}

/** Who acts. A person signed in, a machine with an API key, the archive itself, or nobody we know. */
export type Actor =
  | { kind: 'staff'; id: string; email: string; name: string; roles: Role[] }
  | { kind: 'contact'; id: string; email: string; name: string; language?: string; memberships: Membership[] }
  | { kind: 'machine'; id: string; name: string; roles: Role[] }
  | { kind: 'system'; id: 'system'; name: string }
  | { kind: 'anonymous'; id: 'anonymous'; name: string }

export const ANONYMOUS: Actor = { kind: 'anonymous', id: 'anonymous', name: 'nobody' }
export const SYSTEM: Actor = { kind: 'system', id: 'system', name: 'Registratur' }

export interface StaffRow extends Item {
  id: string
  email: string
  name: string
  roles: Role[]
  status: 'invited' | 'active' | 'deactivated'
  invitedAt: string
  lastSignInAt?: string
}

export interface MembershipRow extends Item, Membership {
  name: string
  language?: string
}

/**
 * The person behind an e-mail address: 1 query.
 *
 * @param email  normalised (lower case)
 * @returns undefined when nobody with this address may sign in
 */
export async function actorOf(table: Table, email: string): Promise<Actor | undefined> {
  const { items } = await table.query({ pk: keys.staff(email).pk })
  const staff = items.find((item) => item.sk === 'staff') as StaffRow | undefined
  if (staff) {
    if (staff.status === 'deactivated') return undefined
    return { kind: 'staff', id: staff.id, email, name: staff.name, roles: staff.roles }
  }
  const memberships = items.filter((item) => item.sk.startsWith('membership#')) as MembershipRow[]
  const [first] = memberships
  if (!first) return undefined
  return {
    kind: 'contact',
    id: first.contactId,
    email,
    name: first.name,
    language: first.language,
    memberships: memberships.map(({ customerId, contactId }) => ({ customerId, contactId })),
  }
}
