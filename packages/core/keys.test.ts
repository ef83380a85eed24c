import { describe, expect, it } from 'vitest'
import { newId } from './ctx.ts'
import { enqueue } from './job.ts'
import { JOB_SHARDS, keys } from './keys.ts'

const ctx = { now: new Date('2026-03-05T10:00:00Z'), newId }
const job = { kind: 'lock', customerId: 'CUS-0001', documentId: 'doc_1' } as const

describe('keys', () => {
  it('keep all that opens a file in one range, and the rest out of it', () => {
    const file = [
      keys.customer('CUS-0001'),
      keys.contact('CUS-0001', 'con_1'),
      keys.folder('CUS-0001', 'fld_1'),
      keys.grant('CUS-0001', 'grt_1'),
      keys.tree('CUS-0001'),
    ]
    const beside = [
      keys.entry('CUS-0001', 'fld_1', '2026-01-01', 'doc_1'),
      keys.document('CUS-0001', 'doc_1'),
      keys.version('CUS-0001', 'doc_1', 1),
      keys.hash('CUS-0001', 'f'.repeat(64), 'doc_1', 1),
      keys.journal('CUS-0001', 'jrn_1'),
      keys.details('CUS-0001', 'jrn_1'),
      keys.access('CUS-0001', 'con_1', 'doc_1', 1),
    ]
    expect(new Set([...file, ...beside].map(({ pk }) => pk))).toEqual(new Set(['customer#CUS-0001']))
    expect(file.every(({ sk }) => sk.startsWith('file#'))).toBe(true)
    expect(beside.some(({ sk }) => sk.startsWith('file#'))).toBe(false)
    expect(new Set([...file, ...beside].map(({ sk }) => sk)).size).toBe(file.length + beside.length)
  })

  it('order versions by number and listings by date', () => {
    const versions = [1, 2, 9, 10, 99, 100, 999_999].map((n) => keys.version('CUS-0001', 'doc_1', n).sk)
    expect(versions.toSorted()).toEqual(versions)
    const entries = ['1900-01-01', '2024-12-31', '2025-01-01', '2199-12-31'].map(
      (day) => keys.entry('C', 'f', day, 'd').sk,
    )
    expect(entries.toSorted()).toEqual(entries)
  })

  it('keep the archive’s journal apart from every customer’s', () => {
    expect(keys.journal(undefined, 'jrn_1').pk).toBe('archive')
    expect(keys.details(undefined, 'jrn_1').pk).toBe('archive')
  })
})

describe('ids', () => {
  it('are unique and sort in the order in which they were given', () => {
    const ids = Array.from({ length: 5000 }, () => newId('doc'))
    expect(new Set(ids).size).toBe(5000)
    expect(ids.toSorted()).toEqual(ids)
    expect(ids[0]).toMatch(/^doc_[0-9A-HJKMNP-TV-Z]{26}$/)
  })
})

describe('jobs', () => {
  it('lie in due order within their shard', () => {
    const due = [
      '2026-03-05T10:00:00.000Z',
      '2026-03-05T10:00:00.001Z',
      '2026-12-31T00:00:00.000Z',
      '2027-01-01T00:00:00.000Z',
    ]
    const rows = due.map((at) => enqueue({ ...ctx, newId: () => 'job_X' }, job, new Date(at)).put.sk)
    expect(rows.toSorted()).toEqual(rows)
    expect(enqueue(ctx, job).put.sk.startsWith('2026-03-05T10:00:00.000Z#job_')).toBe(true)
  })

  it('begin without attempts and may not overwrite one another', () => {
    const { put, if: condition } = enqueue(ctx, job)
    expect(put).toMatchObject({ job, attempts: 0, rev: 1 })
    expect(condition).toBe('absent')
    expect(put.sk).toContain(put.id)
  })

  it('spread over all shards that the worker reads', () => {
    const shards = Array.from({ length: 2000 }, () => enqueue(ctx, job).put.pk)
    expect(new Set(shards)).toEqual(new Set(JOB_SHARDS.map((shard) => `job#${shard}`)))
    const counts = JOB_SHARDS.map((shard) => shards.filter((pk) => pk === `job#${shard}`).length)
    expect(Math.max(...counts)).toBeLessThan(2000 / 4)
  })
})
