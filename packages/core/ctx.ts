import { monotonicFactory } from 'ulid'
import type { Actor } from './actor.ts'
import type { Staging, Table, Vault } from './ports.ts'

/** Everything a use case may touch, passed explicitly. */
export interface Ctx {
  actor: Actor
  table: Table
  staging: Staging
  vault: Vault
  /** The instant of the request. */
  now: Date
  /** What the request is called in the logs, so that they and the journal can be laid side by side. */
  requestId?: string
  /** A new sortable id: `doc_01J…`. */
  newId(prefix: string): string
  /** Where people reach the portal, without a slash at the end: for links in mails. */
  url: string
  /** The archive's time zone (IANA), in which retention ends and dates are shown. */
  zone: string
}

const ulid = monotonicFactory()

/** Sortable by time; within one process also by order within a millisecond. */
export function newId(prefix: string): string {
  return `${prefix}_${ulid()}`
}
