import type { Ctx } from './ctx.ts'
import { ConflictError } from './errors.ts'
import type { JobRow } from './job.ts'
import { JOB_SHARDS } from './keys.ts'

/**
 * Wake the workers for jobs that have been due for a while: each row is written again, so that the change feed tells
 * of it once more. The revision stays, for a worker that is just done deletes what it has read.
 *
 * @returns how many
 */
export async function wakeJobs(ctx: Ctx, minutes: number): Promise<number> {
  const to = `${new Date(ctx.now.getTime() - minutes * 60_000).toISOString()}~`
  const woken = await Promise.all(JOB_SHARDS.map((shard) => wakeShard(ctx, shard, to)))
  return woken.reduce((sum, n) => sum + n, 0)
}

async function wakeShard(ctx: Ctx, shard: string, to: string): Promise<number> {
  let woken = 0
  let after: string | undefined
  do {
    const page = await ctx.table.query<JobRow>({ pk: `job#${shard}`, to, after, limit: 100 })
    for (const row of page.items) if (await wake(ctx, row)) woken++
    after = page.after
  } while (after)
  return woken
}

async function wake(ctx: Ctx, row: JobRow): Promise<boolean> {
  const put: JobRow & { wokenAt: string } = { ...row, wokenAt: ctx.now.toISOString() }
  try {
    await ctx.table.transact([{ put, if: { rev: row.rev } }])
    return true
  } catch (error) {
    // It is done.
    if (error instanceof ConflictError) return false
    throw error
  }
}
