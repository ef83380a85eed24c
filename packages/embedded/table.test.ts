import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { tableContract } from '@registratur/core/contract/table'
import { ConflictError } from '@registratur/core/errors'
import { insert, queryAll } from '@registratur/core/item'
import type { Item } from '@registratur/core/ports'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type EmbeddedTable, openTable, type TableOptions } from './table.ts'

async function openTemporary(options?: TableOptions) {
  const directory = await mkdtemp(join(tmpdir(), 'registratur-'))
  const table = openTable(join(directory, 'archive.db'), options)
  const close = async () => {
    await table.close()
    await rm(directory, { recursive: true })
  }
  return { directory, file: join(directory, 'archive.db'), table, close }
}

describe('embedded', () => {
  tableContract(openTemporary)
})

describe('embedded, with an index that lags', () => {
  tableContract(async () => {
    const { table, close } = await openTemporary({ staleIndex: true })
    const timer = setInterval(() => table.flushIndex(), 50)
    return {
      table,
      close: async () => {
        clearInterval(timer)
        await close()
      },
    }
  })
})

describe('only the embedded table', () => {
  let table: EmbeddedTable
  let file: string
  let close: () => Promise<void>
  beforeEach(async () => {
    ;({ table, file, close } = await openTemporary())
  })
  afterEach(() => close())

  const row = (sk: string, body: object = {}, extra: Partial<Item> = {}) => insert({ pk: 'p', sk }, body, extra)

  it('keeps everything over a restart', async () => {
    await table.transact([row('a', { n: 1 })])
    await table.next('counter')
    await table.close()
    table = openTable(file)
    expect(await table.get({ pk: 'p', sk: 'a' })).toMatchObject({ n: 1 })
    expect(await table.next('counter')).toBe(2)
    expect(table.integrityCheck()).toEqual([])
  })

  it('is readable by its owner only', async () => {
    await table.transact([row('a')])
    for (const suffix of ['', '-wal', '-shm']) expect((await stat(file + suffix)).mode & 0o777).toBe(0o600)
  })

  it('commits what comes at once in one go, and a conflict undoes only its own transaction', async () => {
    const log = new DatabaseSync(file)
    const frames = () => Number(log.prepare('PRAGMA wal_checkpoint(PASSIVE)').get()?.log)
    const before = frames()
    const attempts = Array.from({ length: 100 }, (_, n) => table.transact([row(`${n >> 1}`), row(`own${n}`)]))
    const outcomes = await Promise.allSettled(attempts)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(50)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(ConflictError)
    }
    expect(await queryAll(table, { pk: 'p' })).toHaveLength(100)
    // One commit writes each changed page once: 50 commits would write 50 times as many.
    expect(frames() - before).toBeLessThan(20)
    log.close()
  })

  it('rejects every transaction of a commit that fails, and goes on after', async () => {
    const other = new DatabaseSync(file)
    other.exec(`CREATE TRIGGER fail BEFORE INSERT ON rows WHEN new.sk = 'bad' BEGIN SELECT RAISE(FAIL, 'disk'); END`)
    const outcomes = await Promise.allSettled([table.transact([row('good')]), table.transact([row('bad')])])
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(await queryAll(table, { pk: 'p' })).toEqual([])
    other.exec('DROP TRIGGER fail')
    other.close()
    await table.transact([row('good')])
    expect(await queryAll(table, { pk: 'p' })).toHaveLength(1)
  })

  it('finishes what was begun when it closes, and takes nothing after', async () => {
    const begun = table.transact([row('a')])
    await table.close()
    await begun
    await expect(table.transact([row('b')])).rejects.toMatchObject({ code: 'table-closed' })
    table = openTable(file)
    expect(await queryAll(table, { pk: 'p' })).toHaveLength(1)
  })

  it('is written by several processes at once', { timeout: 60_000 }, async () => {
    const script = `
      import { openTable } from ${JSON.stringify(new URL('./table.ts', import.meta.url).href)}
      const table = openTable(process.argv[1])
      const drawn = []
      for (let n = 0; n < 50; n += 1) {
        const number = await table.next('shared')
        drawn.push(number)
        await table.transact([{ put: { pk: 'shared', sk: String(number), rev: 1, v: 1 }, if: 'absent' }])
      }
      await table.close()
      console.log(JSON.stringify(drawn))`
    const directory = await mkdtemp(join(tmpdir(), 'registratur-'))
    const shared = join(directory, 'archive.db')
    const run = async () => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, shared], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.on('data', (chunk) => {
        output += chunk
      })
      const [code] = await once(child, 'close')
      expect(code).toBe(0)
      return JSON.parse(output) as number[]
    }
    const drawn = (await Promise.all([run(), run(), run()])).flat()
    expect(new Set(drawn).size).toBe(150)
    const opened = openTable(shared)
    expect(await queryAll(opened, { pk: 'shared' })).toHaveLength(150)
    await opened.close()
    await rm(directory, { recursive: true })
  })

  it('holds no read open after a page', async () => {
    await table.transact(Array.from({ length: 10 }, (_, n) => row(`${n}`)))
    await table.query({ pk: 'p', limit: 2 })
    const other = new DatabaseSync(file)
    other.exec(`UPDATE rows SET rev = 7`)
    // A statement left in the middle would keep showing its old snapshot and block this.
    expect(other.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 })
    other.close()
    await table.transact([row('new')])
  })

  it('leaves nothing readable of what was deleted', async () => {
    const secret = 'Geheimnis-4711'
    await table.transact([row('a', { secret })])
    await table.transact([{ delete: { pk: 'p', sk: 'a' } }])
    table.truncateLog()
    for (const suffix of ['', '-wal']) expect((await readFile(file + suffix)).includes(secret)).toBe(false)
  })

  it('removes rows whose time has passed, and tells of it', async () => {
    const heard = vi.fn()
    await table.transact([row('a', {}, { expires: 1000 }), row('b', {}, { expires: 2000 }), row('c')])
    table.changes(heard)
    expect(await table.removeExpired(new Date(1_500_000))).toBe(1)
    expect((await queryAll(table, { pk: 'p' })).map(({ sk }) => sk)).toEqual(['b', 'c'])
    await vi.waitFor(() => expect(heard).toHaveBeenCalledWith([{ key: { pk: 'p', sk: 'a' } }]))
  })

  it('goes on telling when one listener fails', async () => {
    const complaint = vi.spyOn(console, 'error').mockImplementation(() => {})
    const heard = vi.fn()
    table.changes(() => {
      throw new Error('listener')
    })
    table.changes(heard)
    await table.transact([row('a')])
    await vi.waitFor(() => expect(heard).toHaveBeenCalledTimes(1))
    expect(complaint).toHaveBeenCalledTimes(1)
    complaint.mockRestore()
  })

  it('shows an index as it was at the last flush, where a test asks for that', async () => {
    const stale = await openTemporary({ staleIndex: true })
    const due = { pk: 'due', index: 'gsi1' } as const
    await stale.table.transact([row('a', {}, { gsi1pk: 'due', gsi1sk: '1' })])
    expect(await queryAll(stale.table, due)).toEqual([])
    stale.table.flushIndex()
    await stale.table.transact([{ delete: { pk: 'p', sk: 'a' } }])
    expect(await queryAll(stale.table, due)).toHaveLength(1)
    expect(await queryAll(stale.table, { pk: 'p' })).toEqual([])
    await stale.close()
  })

  it('sorts nothing and scans nothing for a query', async () => {
    const plans: string[] = []
    const prepare = DatabaseSync.prototype.prepare
    const spy = vi.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, sql) {
      if (sql.includes('ORDER BY')) {
        for (const step of prepare.call(this, `EXPLAIN QUERY PLAN ${sql}`).all()) plans.push(String(step.detail))
      }
      return prepare.call(this, sql)
    })
    await table.transact(Array.from({ length: 3 }, (_, n) => row(`a${n}`, {}, { gsi1pk: 'g', gsi1sk: `a${n}` })))
    for (const index of [undefined, 'gsi1'] as const) {
      for (const newestFirst of [false, true]) {
        for (const range of [{}, { prefix: 'a' }, { from: 'a', to: 'b' }, { from: 'a' }]) {
          await queryAll(table, { pk: index ? 'g' : 'p', index, newestFirst, limit: 1, ...range })
        }
      }
    }
    spy.mockRestore()
    expect(plans.length).toBeGreaterThan(10)
    for (const plan of plans) expect(plan).toMatch(/^SEARCH rows USING (PRIMARY KEY|INDEX gsi1) \((gsi1)?pk=\?/)
  })

  it('can do without a file', async () => {
    const volatile = openTable(':memory:')
    await volatile.transact([row('a')])
    expect(await queryAll(volatile, { pk: 'p' })).toHaveLength(1)
    await volatile.close()
    expect(existsSync(':memory:')).toBe(false)
  })

  it('refuses a file written by a newer version', async () => {
    await table.close()
    const db = new DatabaseSync(file)
    db.exec('PRAGMA user_version = 99')
    db.close()
    expect(() => openTable(file)).toThrow(expect.objectContaining({ code: 'newer-archive' }))
    await rm(file)
    table = openTable(file)
  })
})
