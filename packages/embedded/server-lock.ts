import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { ArchiveError } from '@registratur/core/errors'

/**
 * Claim a data folder for this process. The claim is a file lock of the operating system, taken by way of SQLite: it
 * ends with the process, however that ends.
 *
 * @returns how to let go
 * @throws {ArchiveError} `data-in-use`
 */
export function claimDataFolder(dataDir: string): () => void {
  const db = new DatabaseSync(join(dataDir, 'server.lock'))
  try {
    db.exec('PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch {
    db.close()
    throw new ArchiveError(
      'conflict',
      'data-in-use',
      `Another server is running on ${dataDir}. Stop it first, or choose another folder with REGISTRATUR_DATA.`,
    )
  }
  return () => db.close()
}
