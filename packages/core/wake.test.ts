import { openTable } from '@registratur/embedded/table'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type Ctx, newId } from './ctx.ts'
import { remove } from './item.ts'
import { enqueue, type JobRow } from './job.ts'
import type { Change, Table } from './ports.ts'
import { wakeJobs } from './wake.ts'

const NOON = Date.parse('2026-03-01T12:00:00Z')

describe('waking jobs', () => {
  let table: Table & { close(): Promise<void> }
  beforeEach(() => {
    table = openTable(':memory:')
  })
  afterEach(() => table.close())

  const at = (minutes: number, over = table) =>
    ({ table: over, now: new Date(NOON + minutes * 60_000), newId }) as unknown as Ctx

  async function left(): Promise<JobRow> {
    const write = enqueue(at(0), { kind: 'lock', customerId: 'CUS-0001', documentId: 'doc_1' })
    await table.transact([write])
    return write.put
  }

  it('tells the change feed of jobs that have been due for a while, and leaves their revision', async () => {
    const { pk, sk } = await left()
    const heard: Change[] = []
    table.changes((changes) => heard.push(...changes))
    expect(await wakeJobs(at(4), 5)).toBe(0)
    expect(await wakeJobs(at(6), 5)).toBe(1)
    await vi.waitFor(() => expect(heard).toHaveLength(1))
    expect(heard[0]).toMatchObject({ key: { pk, sk }, item: { rev: 1, wokenAt: '2026-03-01T12:06:00.000Z' } })
    expect(await wakeJobs(at(11), 5)).toBe(1)
    await vi.waitFor(() => expect(heard).toHaveLength(2))
  })

  it('lets a job be done meanwhile', async () => {
    const row = await left()
    const racing: Table = {
      ...table,
      transact: async (writes) => {
        await table.transact([remove(row)])
        return table.transact(writes)
      },
    }
    expect(await wakeJobs(at(6, { ...racing, close: table.close }), 5)).toBe(0)
    expect(await table.get(row)).toBeUndefined()
  })
})
