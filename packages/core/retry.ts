import { setTimeout as pause } from 'node:timers/promises'
import { ConflictError } from './errors.ts'

const ATTEMPTS = 12
const LONGEST_PAUSE_MS = 200

/**
 * Run a read-decide-write step again when somebody else's change came between, with everything read afresh. Pauses of
 * random, growing length take contenders apart.
 *
 * @throws {ConflictError} when it lost twelve times in a row
 */
export async function retrying<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error
      await pause(Math.random() * Math.min(2 ** attempt, LONGEST_PAUSE_MS))
    }
  }
}
