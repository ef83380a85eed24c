import type { Ctx } from './ctx.ts'
import { remove } from './item.ts'
import { enqueue, type JobRow } from './job.ts'
import { JOB_SHARDS } from './keys.ts'
import { lockDocument } from './lock.ts'
import { moveMerged } from './merge.ts'
import type { Key, Mailer } from './ports.ts'

export interface WorkerDeps {
  mailer: Mailer
  /** Told of a job that failed; it runs again later. Gets no personal data. */
  failed(job: { id: string; kind: string; attempts: number }, error: unknown): void
}

/**
 * Run one job, if it is still there and due. It is read afresh, and deleted only when its work is done: a crash in
 * between runs it once more.
 */
export async function runJob(ctx: Ctx, deps: WorkerDeps, key: Key): Promise<void> {
  const row = await ctx.table.get<JobRow>(key)
  if (!row || dueAt(row) > ctx.now.toISOString()) return
  const { id, job, attempts } = row
  try {
    const again = await perform(ctx, deps, row)
    await ctx.table.transact([remove(row), ...(again ? [enqueue(ctx, job, again)] : [])])
  } catch (error) {
    deps.failed({ id, kind: job.kind, attempts: attempts + 1 }, error)
    const later = enqueue(ctx, job, new Date(ctx.now.getTime() + backOff(attempts)))
    const put = { ...later.put, attempts: attempts + 1 }
    await ctx.table.transact([remove(row), { put, if: 'absent' }])
  }
}

/** Run everything that is due, for instance after a restart. */
export async function runDueJobs(ctx: Ctx, deps: WorkerDeps): Promise<void> {
  const to = `${ctx.now.toISOString()}~`
  for (const shard of JOB_SHARDS) {
    let after: string | undefined
    do {
      const page = await ctx.table.query<JobRow>({ pk: `job#${shard}`, to, after, limit: 100 })
      for (const { pk, sk } of page.items) await runJob(ctx, deps, { pk, sk })
      after = page.after
    } while (after)
  }
}

const dueAt = ({ sk }: JobRow) => sk.slice(0, sk.indexOf('#'))

/** Milliseconds: 10 s, doubling, an hour at most. */
const backOff = (attempts: number) => Math.min(10_000 * 2 ** attempts, 3600_000)

async function perform(ctx: Ctx, { mailer }: WorkerDeps, { id, job }: JobRow): Promise<Date | undefined> {
  switch (job.kind) {
    case 'mail':
      await mailer({ id, ...job.mail })
      return undefined
    case 'lock':
      return lockDocument(ctx, job.customerId, job.documentId)
    case 'merge':
      await moveMerged(ctx, job.from, job.into)
      return undefined
  }
}
