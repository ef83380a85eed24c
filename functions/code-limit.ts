import { ConflictError } from '@registratur/core/errors'
import { overwrite, type Row, update } from '@registratur/core/item'
import { keys } from '@registratur/core/keys'
import type { Table } from '@registratur/core/ports'

const MOST = 20
const WINDOW_SECONDS = 10 * 60

type CountRow = Row<{ count: number; until: number }>

/**
 * May another code be asked for with this address? Twenty in ten minutes: more would flood a mailbox, void codes that are
 * on their way, and give guessing more tries. Known and unknown addresses are counted alike.
 */
export async function mayAskForCode(table: Table, email: string, now: Date): Promise<boolean> {
  const key = keys.codeCount(email)
  const seconds = Math.floor(now.getTime() / 1000)
  const before = await table.get<CountRow>(key)
  const running = before && before.until > seconds
  if (running && before.count >= MOST) return false
  const until = running ? before.until : seconds + WINDOW_SECONDS
  const body = { count: running ? before.count + 1 : 1, until, expires: until }
  const write = before ? update(before, body) : { ...overwrite(key, body, { expires: until }), if: 'absent' as const }
  try {
    await table.transact([write])
    return true
  } catch (error) {
    if (error instanceof ConflictError) return mayAskForCode(table, email, now)
    throw error
  }
}
