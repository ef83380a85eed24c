import { fileDocument, NewDocument } from '@registratur/core/filing'
import { queryAll } from '@registratur/core/item'
import { enqueue } from '@registratur/core/job'
import { JOB_SHARDS } from '@registratur/core/keys'
import type { Mail } from '@registratur/core/ports'
import { sweep } from '@registratur/core/sweep'
import { runDueJobs } from '@registratur/core/worker'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, someBytes, type TestArchive } from './kit.ts'

const DAY = 24 * 3600_000

let now: Date
let test: TestArchive

beforeEach(async () => {
  now = new Date('2026-03-05T10:00:00Z')
  test = await openTestArchive({ clock: () => now })
})
afterEach(() => test.close())

const later = (milliseconds: number) => {
  now = new Date(now.getTime() + milliseconds)
}

async function filed(more: object = {}) {
  const customer = await test.customer()
  const folder = await test.folderOf(customer.id)
  const document = await test.file(customer.id, folder.id, someBytes(), more)
  await test.archive.worker.idle()
  return { customer, folder, document, path: `/api/customers/${customer.id}/documents/${document.id}` }
}

async function objects() {
  const { items } = await test.archive.vault.list('customers/')
  return Promise.all(items.map((object) => test.archive.vault.head(object)))
}

const jobs = async () =>
  (await Promise.all(JOB_SHARDS.map((shard) => queryAll(test.archive.table, { pk: `job#${shard}` })))).flat()

describe('locks', () => {
  it('keep a draft for the short default time and a final version for its retention period', async () => {
    const { path } = await filed({ final: false })
    const [draft] = await objects()
    expect(draft).toMatchObject({ lockMode: 'GOVERNANCE', lockUntil: '2026-03-12T10:00:00.000Z' })

    await test.ask('POST', `${path}/finalise`)
    await test.archive.worker.idle()
    const [final] = await objects()
    // Eight years from the end of 2026; the last day ends at midnight in Berlin.
    expect(final).toMatchObject({ lockMode: 'GOVERNANCE', lockUntil: '2034-12-31T23:00:00.000Z' })
    expect(await jobs()).toEqual([])
  })

  it('roll for a contract without an end, and end with the period once there is one', async () => {
    const { path } = await filed({ recordClass: 'contract', final: true })
    expect((await objects())[0]?.lockUntil).toBe('2027-04-05T09:00:00.000Z')
    expect(await jobs()).toHaveLength(1)

    later(32 * DAY)
    await runDueJobs(test.archive.context(), { mailer: async () => {}, failed: () => {} })
    expect((await objects())[0]?.lockUntil).toBe('2027-05-06T10:00:00.000Z')

    await test.ask('PATCH', path, { contractEnd: '2026-06-30' })
    await test.archive.worker.idle()
    expect((await objects())[0]?.lockUntil).toBe('2032-12-31T23:00:00.000Z')
  })

  it('never become shorter', async () => {
    const { path } = await filed({ final: true })
    await test.ask('PATCH', path, { recordClass: 'correspondence', reason: 'a letter, not an invoice' })
    await test.archive.worker.idle()
    const { body } = await test.ask('GET', path)
    expect(body.retainUntil).toBe('2032-12-31')
    expect((await objects())[0]?.lockUntil).toBe('2034-12-31T23:00:00.000Z')
    expect(await jobs()).toEqual([])
  })
})

describe('jobs', () => {
  it('are tried again with growing pauses until they succeed, and then are gone', async () => {
    const sent: Mail[] = []
    const failures: number[] = []
    let broken = true
    const deps = {
      mailer: async (mail: Mail) => {
        if (broken) throw new Error('no server')
        sent.push(mail)
      },
      failed: ({ attempts }: { attempts: number }) => failures.push(attempts),
    }
    await test.archive.worker.stop()
    const mail = { to: 'a@b.example', subject: 'Hello', text: 'Hello' }
    await test.archive.table.transact([enqueue(test.archive.context(), { kind: 'mail', mail })])

    await runDueJobs(test.archive.context(), deps)
    await runDueJobs(test.archive.context(), deps)
    expect(failures).toEqual([1])
    later(10_000)
    await runDueJobs(test.archive.context(), deps)
    later(10_000)
    await runDueJobs(test.archive.context(), deps)
    expect(failures).toEqual([1, 2])

    broken = false
    later(10_000)
    await runDueJobs(test.archive.context(), deps)
    expect(sent).toEqual([expect.objectContaining(mail)])
    expect(await jobs()).toEqual([])
  })
})

describe('the sweep', () => {
  it('removes what a crash left between the vault and the table, once its short lock has ended', async () => {
    const { customer, folder, document } = await filed()
    const uploadId = await test.upload(someBytes())
    const ctx = test.archive.context()
    const table = { ...ctx.table, transact: () => Promise.reject(new Error('power cut')) }
    const fields = { folderId: folder.id, recordClass: 'invoice', title: 'Lost', documentDate: '2026-01-01' }
    const input = NewDocument.parse({ uploadId, ...fields })
    await expect(fileDocument({ ...ctx, table }, customer.id, input)).rejects.toThrow('power cut')
    expect(await objects()).toHaveLength(2)

    later(6 * DAY)
    expect(await sweep(test.archive.context())).toMatchObject({ orphans: 0 })
    later(3 * DAY)
    expect(await sweep(test.archive.context())).toMatchObject({ orphans: 1 })
    expect((await objects()).map((object) => object?.meta.documentId)).toEqual([document.id])
  })

  it('keeps what rows point to, also after a merge', async () => {
    const { customer, document } = await filed()
    const other = await test.customer('Muster AG')
    await test.ask('POST', `/api/customers/${customer.id}/merge`, { into: other.id })
    await test.archive.worker.idle()
    later(9 * DAY)
    expect(await sweep(test.archive.context())).toMatchObject({ orphans: 0 })
    const read = await test.download(`/api/customers/${other.id}/documents/${document.id}/versions/1/content`)
    expect(read.status).toBe(200)
  })

  it('removes the bytes of a discarded draft', async () => {
    const { path } = await filed()
    await test.ask('POST', `${path}/discard`, { reason: 'filed at the wrong customer' })
    later(9 * DAY)
    expect(await sweep(test.archive.context())).toMatchObject({ orphans: 1 })
    expect(await objects()).toEqual([])
  })

  it('forgets uploads that nobody filed', async () => {
    const uploadId = await test.upload(someBytes())
    const staged = async (): Promise<Json> => test.archive.staging.head(uploadId)
    later(1 * DAY)
    await sweep(test.archive.context())
    expect(await staged()).toBeDefined()
    later(30 * DAY)
    await sweep(test.archive.context())
    expect(await staged()).toBeUndefined()
  })
})
