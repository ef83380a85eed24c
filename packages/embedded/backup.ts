import { createHash } from 'node:crypto'
import { constants } from 'node:fs'
import { access, mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { backup as backupDatabase, DatabaseSync } from 'node:sqlite'
import { ArchiveError } from '@registratur/core/errors'
import type { VaultRef } from '@registratur/core/ports'
import { codeOf, nothingIfMissing, statOrNothing, syncFolder } from './files.ts'
import { checkDatabase } from './table.ts'

export interface BackupFile {
  /** Path within the backup, with `/`. */
  path: string
  size: number
  sha256: string
}

export interface Manifest {
  format: 1
  /** When the copy of the table was taken: the state that a restore brings back. */
  createdAt: string
  files: BackupFile[]
}

export interface Verification {
  createdAt: string
  files: number
  bytes: number
  /** Versions whose bytes are there and as they were filed. */
  versions: number
  /** What is wrong, a sentence each; empty when the backup is whole. */
  problems: string[]
}

const DATABASE = 'archive.db'
const MANIFEST = 'manifest.json'
/** Copied as they are. Staging expires by itself; the outbox is not the archive's. */
const FOLDERS = ['vault', 'keys']
const PARALLEL = 4

/**
 * Copy an archive into a new folder while it is in use.
 *
 * The table is copied first and the vault after it, so whatever a row of the copy points to is in the vault's copy too;
 * what was filed meanwhile may be there in addition. The folder gets its name when it is complete.
 *
 * @param options.to  a folder that is absent or empty
 * @throws {ArchiveError} `not-an-archive` | `target-not-empty` | `backup-incomplete`
 */
export async function backup(options: { dataDir: string; to: string; now?: () => Date }): Promise<Manifest> {
  const { now = () => new Date() } = options
  const [dataDir, to] = [resolve(options.dataDir), resolve(options.to)]
  if (!(await statOrNothing(join(dataDir, DATABASE)))) {
    throw new ArchiveError('not-found', 'not-an-archive', `There is no archive in ${dataDir}. Give its data folder.`)
  }
  for (const name of FOLDERS) {
    if (`${to}${sep}`.startsWith(`${join(dataDir, name)}${sep}`)) {
      throw new ArchiveError('invalid', 'target-not-empty', 'A backup cannot lie within what it copies.')
    }
  }
  return appear(to, async (partial) => {
    const createdAt = now().toISOString()
    await copyDatabase(join(dataDir, DATABASE), join(partial, DATABASE))
    const files = [await describeFile(partial, DATABASE)]
    const paths = await Promise.all(FOLDERS.map((name) => filesBelow(dataDir, name)))
    await inParallel(paths.flat(), async (path) => {
      const copied = await copyFile(dataDir, partial, path)
      if (copied) files.push(copied)
    })
    const there = new Map(files.map((file) => [file.path, file]))
    const missing = versionsIn(join(partial, DATABASE)).filter((row) => !there.has(bytesPath(row.vault)))
    if (missing.length) {
      const detail = `${missing.length} versions were destroyed while the backup ran, or are missing. Run it again.`
      throw new ArchiveError('conflict', 'backup-incomplete', detail)
    }
    files.sort((a, b) => (a.path < b.path ? -1 : 1))
    const manifest: Manifest = { format: 1, createdAt, files }
    await writeDurably(join(partial, MANIFEST), `${JSON.stringify(manifest, null, 1)}\n`)
    return manifest
  })
}

/**
 * Read a whole backup and compare it with its manifest and its table.
 *
 * @throws {ArchiveError} `not-a-backup`
 */
export async function verifyBackup(directory: string): Promise<Verification> {
  const dir = resolve(directory)
  const manifest = await readManifest(dir)
  const problems: string[] = []
  const intact = new Map<string, BackupFile>()
  await inParallel(manifest.files, async (file) => {
    const found = await describeFile(dir, file.path).catch(nothingIfMissing(undefined))
    if (!found) problems.push(`${file.path} is missing.`)
    else if (found.sha256 !== file.sha256) problems.push(`${file.path} differs from what was backed up.`)
    else intact.set(file.path, file)
  })
  const listed = new Set([MANIFEST, ...manifest.files.map(({ path }) => path)])
  for (const path of await filesBelow(dir, '.')) {
    if (!listed.has(path)) problems.push(`${path} is not in the manifest.`)
  }
  let versions = 0
  if (intact.has(DATABASE)) {
    problems.push(...checkFile(join(dir, DATABASE)).map((finding) => `${DATABASE}: ${finding}`))
    for (const { pk, sk, vault, sha256 } of versionsIn(join(dir, DATABASE))) {
      const bytes = intact.get(bytesPath(vault))
      if (!bytes || !intact.has(`vault/${vault.key}/${vault.versionId}.json`)) {
        problems.push(`The content of ${pk} ${sk} is missing.`)
      } else if (bytes.sha256 !== sha256) problems.push(`The content of ${pk} ${sk} is not what was filed.`)
      else versions += 1
    }
  } else problems.push(`Without an intact ${DATABASE} the versions cannot be checked.`)
  const bytes = manifest.files.reduce((sum, { size }) => sum + size, 0)
  return { createdAt: manifest.createdAt, files: manifest.files.length, bytes, versions, problems: problems.toSorted() }
}

/**
 * Bring a backup back as a data folder, after verifying it.
 *
 * @param options.dataDir  a folder that is absent or empty
 * @throws {ArchiveError} `not-a-backup` | `backup-damaged` | `target-not-empty`
 */
export async function restore(options: { from: string; dataDir: string }): Promise<Verification> {
  const [from, dataDir] = [resolve(options.from), resolve(options.dataDir)]
  await requireEmpty(dataDir)
  const verification = await verifyBackup(from)
  if (verification.problems.length) {
    const { problems } = verification
    throw new ArchiveError('conflict', 'backup-damaged', `This backup is damaged: ${problems[0]}`, { problems })
  }
  const { files } = await readManifest(from)
  await appear(dataDir, (partial) =>
    inParallel(files, async ({ path, sha256 }) => {
      const copied = await copyFile(from, partial, path)
      if (copied?.sha256 !== sha256) throw new Error(`${path} changed while it was being restored.`)
    }),
  )
  return verification
}

/** Fill a folder under another name and give it its own when it is complete and durable. */
async function appear<T>(target: string, fill: (partial: string) => Promise<T>): Promise<T> {
  await requireEmpty(target)
  const partial = `${target}.partial`
  await mkdir(dirname(target), { recursive: true })
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { mode: 0o700 })
  try {
    const result = await fill(partial)
    await syncTree(partial)
    await rename(partial, target)
    await syncFolder(dirname(target))
    return result
  } catch (error) {
    await rm(partial, { recursive: true, force: true })
    if (codeOf(error) !== 'EBUSY' && codeOf(error) !== 'EXDEV') throw error
    throw new ArchiveError('conflict', 'target-is-mounted', `${target} is a mount point. Give a new folder within it.`)
  }
}

async function requireEmpty(directory: string): Promise<void> {
  const names = await readdir(directory).catch(nothingIfMissing([]))
  if (names.length || (await statOrNothing(directory))?.isFile()) {
    throw new ArchiveError('conflict', 'target-not-empty', `${directory} is not empty. Give a new folder.`)
  }
}

async function copyDatabase(from: string, to: string): Promise<void> {
  await access(from, constants.R_OK)
  const source = new DatabaseSync(from, { timeout: 10_000 })
  try {
    // In one go: a copy in several steps starts over whenever another process writes in between.
    await backupDatabase(source, to, { rate: 0x7fffffff })
  } finally {
    source.close()
  }
  // A copy that is not in WAL mode can be opened for reading without files beside it.
  const copy = new DatabaseSync(to)
  copy.exec('PRAGMA journal_mode = DELETE')
  copy.close()
  const file = await open(to, 'r+')
  await file.chmod(0o600)
  await file.sync().finally(() => file.close())
}

function checkFile(path: string): string[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    return checkDatabase(db)
  } catch (error) {
    return [String(error)]
  } finally {
    db.close()
  }
}

interface VersionOfRow {
  pk: string
  sk: string
  vault: VaultRef
  sha256: string
}

/** Every version row of a table; each points to an object of the vault. */
function versionsIn(path: string): VersionOfRow[] {
  const db = new DatabaseSync(path, { readOnly: true })
  try {
    const rows = db.prepare(`SELECT pk, sk, body FROM rows WHERE sk >= 'version#' AND sk < 'version$'`)
    const found: VersionOfRow[] = []
    for (const { pk, sk, body } of rows.iterate()) {
      const { vault, sha256 } = JSON.parse(body as string)
      if (vault) found.push({ pk: pk as string, sk: sk as string, vault, sha256 })
    }
    return found
  } finally {
    db.close()
  }
}

function bytesPath({ key, versionId }: VaultRef): string {
  return `vault/${key}/${versionId}.bin`
}

async function readManifest(dir: string): Promise<Manifest> {
  try {
    const manifest: Manifest = JSON.parse(await readFile(join(dir, MANIFEST), 'utf8'))
    const inside = (path: unknown) =>
      typeof path === 'string' && !path.split('/').some((part) => part === '..' || part === '')
    if (manifest.format === 1 && manifest.files.every(({ path }) => inside(path))) return manifest
  } catch {
    // Answered below.
  }
  throw new ArchiveError('invalid', 'not-a-backup', `${dir} is not a complete backup: it has no readable ${MANIFEST}.`)
}

/** Paths of all files below a folder, relative to `root`; unfinished ones (in folders with a dot) are left out. */
async function filesBelow(root: string, folder: string): Promise<string[]> {
  const entries = await readdir(join(root, folder), { withFileTypes: true }).catch(nothingIfMissing([]))
  const paths: string[] = []
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue
    const path = relative(root, join(root, folder, entry.name))
      .split(sep)
      .join('/')
    if (entry.isDirectory()) for (const below of await filesBelow(root, path)) paths.push(below)
    else paths.push(path)
  }
  return paths
}

/** Copy a file durably, hashing what is copied. Nothing when it was destroyed since it was listed. */
async function copyFile(from: string, to: string, path: string): Promise<BackupFile | undefined> {
  const source = await open(join(from, path), 'r').catch(nothingIfMissing(undefined))
  if (!source) return undefined
  try {
    const { mode } = await source.stat()
    await mkdir(dirname(join(to, path)), { recursive: true, mode: 0o700 })
    const target = await open(join(to, path), 'wx', mode & 0o777)
    try {
      const { size, sha256 } = await hashFile(source, (piece) => target.writeFile(piece))
      await target.sync()
      return { path, size, sha256 }
    } finally {
      await target.close()
    }
  } finally {
    await source.close()
  }
}

async function describeFile(root: string, path: string): Promise<BackupFile> {
  const file = await open(join(root, path), 'r')
  try {
    return { path, ...(await hashFile(file)) }
  } finally {
    await file.close()
  }
}

type FileHandle = Awaited<ReturnType<typeof open>>

async function hashFile(file: FileHandle, each: (piece: Uint8Array) => Promise<void> = async () => {}) {
  const hash = createHash('sha256')
  const buffer = Buffer.allocUnsafe(256 * 1024)
  let size = 0
  for (;;) {
    const { bytesRead } = await file.read(buffer, 0, buffer.length, size)
    if (!bytesRead) return { size, sha256: hash.digest('hex') }
    const piece = buffer.subarray(0, bytesRead)
    hash.update(piece)
    await each(piece)
    size += bytesRead
  }
}

async function writeDurably(path: string, content: string): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncTree(folder: string): Promise<void> {
  const entries = await readdir(folder, { withFileTypes: true })
  for (const entry of entries) if (entry.isDirectory()) await syncTree(join(folder, entry.name))
  await syncFolder(folder)
}

/** Do something with every item, a few at a time. */
async function inParallel<T>(items: T[], step: (item: T) => Promise<void>): Promise<void> {
  const rest = items.values()
  await Promise.all(
    Array.from({ length: PARALLEL }, async () => {
      for (const item of rest) await step(item)
    }),
  )
}
