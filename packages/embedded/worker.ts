import type { Ctx } from '@registratur/core/ctx'
import type { JobRow } from '@registratur/core/job'
import { sweep } from '@registratur/core/sweep'
import { runDueJobs, runJob, type WorkerDeps } from '@registratur/core/worker'
import type { EmbeddedTable } from './table.ts'

export interface Worker {
  /** Resolves when nothing that was enqueued before is left to run. */
  idle(): Promise<void>
  stop(): Promise<void>
}

export interface WorkerOptions extends WorkerDeps {
  table: EmbeddedTable
  /** A context of the archive itself, at the present instant. */
  context(): Ctx
}

const RETRY_MS = 60_000
const SWEEP_MS = 6 * 3600_000

/**
 * Run jobs in this process: each as its row is committed, and whatever is due once a minute. One lane per kind of job,
 * so that a code by e-mail doesn't wait for the locks of an import.
 */
export function startWorker({ table, context, ...deps }: WorkerOptions): Worker {
  const lanes = new Map<string, Promise<void>>()
  let stopped = false

  function run(lane: string, step: () => Promise<unknown>): void {
    const before = lanes.get(lane) ?? Promise.resolve()
    const failed = (error: unknown) => deps.failed({ id: lane, kind: lane, attempts: 0 }, error)
    const after = before.then(async () => {
      if (!stopped) await step().catch(failed)
    })
    lanes.set(lane, after)
  }

  const catchUp = () => run('due', () => runDueJobs(context(), deps))
  const clean = () =>
    run('sweep', async () => {
      await table.removeExpired(context().now)
      await sweep(context())
    })
  const unsubscribe = table.changes((changes) => {
    for (const { key, item } of changes) {
      if (item && key.pk.startsWith('job#')) run((item as JobRow).job.kind, () => runJob(context(), deps, key))
    }
  })
  const timers = [setInterval(catchUp, RETRY_MS), setInterval(clean, SWEEP_MS)]
  for (const timer of timers) timer.unref()
  catchUp()

  const idle = async () => {
    await Promise.all(lanes.values())
  }
  return {
    async idle() {
      // A job's change is delivered a turn after its commit.
      await new Promise((resolve) => setImmediate(resolve))
      await idle()
    },
    async stop() {
      stopped = true
      unsubscribe()
      for (const timer of timers) clearInterval(timer)
      await idle()
    },
  }
}
