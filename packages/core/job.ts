import type { Ctx } from './ctx.ts'
import { insert } from './item.ts'
import { keys } from './keys.ts'
import type { Item, Mail } from './ports.ts'

/** Work that follows a change. Its row is written with the change and deleted when the work is done. */
export type Job =
  | { kind: 'mail'; mail: Omit<Mail, 'id'> }
  | { kind: 'lock'; customerId: string; documentId: string }
  | { kind: 'merge'; from: string; into: string }

export interface JobRow extends Item {
  id: string
  job: Job
  attempts: number
}

/** @param dueAt  not before this instant; now when left out */
export function enqueue(ctx: Pick<Ctx, 'now' | 'newId'>, job: Job, dueAt = ctx.now) {
  const id = ctx.newId('job')
  return insert<Omit<JobRow, keyof Item>>(keys.job(dueAt.toISOString(), id), { id, job, attempts: 0 })
}
