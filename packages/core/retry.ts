import { ConflictError } from './errors.ts'

/**
 * Run a read-decide-write step again when somebody else's change came between, with everything read afresh.
 *
 * @throws {ConflictError} when it lost `attempts` times in a row
 */
export async function retrying<T>(step: () => Promise<T>, attempts = 8): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === attempts) throw error
    }
  }
}
