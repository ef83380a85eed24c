import { chmod, copyFile, link, mkdir, open, readdir, readFile, rename, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { newId } from '@registratur/core/ctx'
import { ArchiveError, notFound } from '@registratur/core/errors'
import type {
  DownloadOptions,
  LockMode,
  Page,
  Vault,
  VaultHead,
  VaultMeta,
  VaultObject,
  VaultRef,
} from '@registratur/core/ports'
import {
  againIfMissing,
  codeOf,
  incoming,
  isMissing,
  namesIn,
  nothingIfMissing,
  openFolder,
  replaceFile,
  statOrNothing,
  streamFile,
  syncFolder,
  syncUpTo,
  unlinkIfThere,
  writeIncoming,
} from './files.ts'
import { openSigner, type Permit } from './signer.ts'
import { type EmbeddedStaging, type StoreOptions, uploadMissing } from './staging.ts'

export interface VaultOptions extends StoreOptions {
  staging: EmbeddedStaging
  /** Objects per page of `list`. */
  pageSize?: number
}

/** The vault in a folder. Its signed URLs are served by whoever calls `openSigned`. */
export interface EmbeddedVault extends Vault {
  /**
   * What a signed download URL reads.
   *
   * @throws {ArchiveError} `invalid-url` | `url-expired` | `object-not-found`
   */
  openSigned(token: string, method: string): Promise<SignedDownload>
}

export interface SignedDownload extends Pick<DownloadOptions, 'fileName' | 'contentType' | 'disposition'> {
  head: VaultHead
}

interface DownloadPermit extends Permit, VaultRef, Pick<DownloadOptions, 'fileName' | 'contentType' | 'disposition'> {
  method: 'GET' | 'HEAD'
}

/** What lies beside an object's bytes, in `<version id>.json`. */
interface Sidecar extends VaultMeta {
  format: 1
  createdAt: string
  lockUntil: string
  lockMode: LockMode
  held: boolean
}

const DEFAULT_LOCK_DAYS = 7
const DAY_MS = 86_400_000
const SEGMENT = /^[A-Za-z0-9_-]{1,200}$/
const VERSION_ID = /^ver_[0-9A-HJKMNP-TV-Z]{26}$/

/**
 * Open the vault folder `<data>/vault`. A version is two files, `<key>/<version id>.bin` and `….json`, and is there
 * when both are. The bytes come last and go first, so a crash leaves none that no longer have a name.
 *
 * Locks and holds are kept by this code, not by the file system: who may write the folder can break them.
 * One process at a time may change the vault.
 */
export async function openVault(options: VaultOptions): Promise<EmbeddedVault> {
  const { dataDir, baseUrl, staging, now = () => new Date(), pageSize = 1000 } = options
  const root = join(dataDir, 'vault')
  await openFolder(root)
  const signer = await openSigner(dataDir)
  const inTurn = queues()

  const folderOf = (key: string) => {
    if (!key.split('/').every((segment) => SEGMENT.test(segment))) {
      throw new ArchiveError('malformed', 'invalid-key', 'This is not a key of the vault.')
    }
    return join(root, key)
  }
  const base = ({ key, versionId }: VaultRef) => join(folderOf(key), versionId)

  async function head(ref: VaultRef): Promise<VaultHead | undefined> {
    if (!VERSION_ID.test(ref.versionId)) return undefined
    const path = base(ref)
    const [found, sidecar] = await Promise.all([statOrNothing(`${path}.bin`), readSidecar(`${path}.json`)])
    if (!found || !sidecar) return undefined
    const { documentId, version, sha256, createdAt, lockUntil, lockMode, held } = sidecar
    const { key, versionId } = ref
    return {
      key,
      versionId,
      size: found.size,
      createdAt,
      meta: { documentId, version, sha256 },
      lockUntil,
      lockMode,
      held,
    }
  }

  /** Change what lies beside an object; changes to one object wait for each other. */
  function amend(ref: VaultRef, change: (sidecar: Sidecar) => Partial<Sidecar>): Promise<void> {
    return inTurn(base(ref), async () => {
      if (!(await head(ref))) throw notFound('object')
      const path = `${base(ref)}.json`
      const sidecar = (await readSidecar(path)) as Sidecar
      await replaceFile(root, path, JSON.stringify({ ...sidecar, ...change(sidecar) }))
    })
  }

  async function versions(key: string): Promise<VaultObject[]> {
    const ids = (await namesIn(folderOf(key)))
      .filter((name) => name.endsWith('.bin'))
      .map((name) => name.slice(0, -'.bin'.length))
      .toSorted()
      .toReversed()
    const heads = await Promise.all(ids.map((versionId) => head({ key, versionId })))
    return heads.flatMap((found) => {
      if (!found) return []
      const { versionId, size, createdAt } = found
      return [{ key, versionId, size, createdAt }]
    })
  }

  /** Keys below a folder in byte order, from a position on. A folder's own key comes before `-`, those below it after. */
  async function* keysIn(key: string, from: string, prefix: string): AsyncGenerator<string> {
    const entries = await readdir(join(root, key), { withFileTypes: true }).catch(nothingIfMissing([]))
    const names = entries.filter((entry) => entry.isDirectory() && SEGMENT.test(entry.name)).map(({ name }) => name)
    for (const name of names.flatMap((own) => [own, `${own}/`]).toSorted()) {
      const path = key ? `${key}/${name}` : name
      if (name.endsWith('/')) {
        const mayHold = path.startsWith(prefix) || prefix.startsWith(path)
        if (mayHold && (path >= from || from.startsWith(path))) yield* keysIn(path.slice(0, -1), from, prefix)
      } else if (path.startsWith(prefix) && path >= from) yield path
    }
  }

  return {
    async adopt(uploadId, key, meta) {
      const folder = folderOf(key)
      const staged = await staging.file(uploadId)
      if (!staged) throw uploadMissing()
      if (staged.sha256 !== meta.sha256) {
        throw new ArchiveError('conflict', 'upload-mismatch', 'The upload has another SHA-256 than announced.')
      }
      const versionId = newId('ver')
      const created = now()
      const sidecar: Sidecar = {
        format: 1,
        documentId: meta.documentId,
        version: meta.version,
        sha256: meta.sha256,
        createdAt: created.toISOString(),
        lockUntil: new Date(created.getTime() + DEFAULT_LOCK_DAYS * DAY_MS).toISOString(),
        lockMode: 'GOVERNANCE',
        held: false,
      }
      const unfinished: string[] = []
      try {
        const [bytes, beside] = [incoming(root), await writeIncoming(root, JSON.stringify(sidecar))]
        unfinished.push(beside, bytes)
        await linkOrCopy(staged.path, bytes)
        await chmod(bytes, 0o444)
        await againIfMissing(async () => {
          await mkdir(folder, { recursive: true, mode: 0o700 })
          await rename(beside, join(folder, `${versionId}.json`))
        })
        await rename(bytes, join(folder, `${versionId}.bin`))
        await syncUpTo(root, folder)
      } catch (error) {
        for (const path of unfinished) await unlinkIfThere(path)
        throw error
      }
      return { versionId }
    },

    async get(ref, range) {
      const found = await head(ref)
      if (!found) throw notFound('object')
      const { start, end } = range ?? { start: 0, end: found.size - 1 }
      if (range && (start < 0 || start >= found.size || end < start)) {
        throw new ArchiveError('malformed', 'range-not-satisfiable', `The object has ${found.size} bytes.`)
      }
      return streamFile(`${base(ref)}.bin`, start, Math.min(end, found.size - 1))
    },

    head,
    versions,

    async list(prefix, after) {
      const from = after === undefined ? undefined : parseCursor(after)
      const page: Page<VaultObject> = { items: [] }
      for await (const key of keysIn('', from?.key ?? '', prefix)) {
        for (const object of await versions(key)) {
          if (from?.key === key && object.versionId >= from.versionId) continue
          if (page.items.length === pageSize) {
            page.after = cursorOf(page.items.at(-1) as VaultObject)
            return page
          }
          page.items.push(object)
        }
      }
      return page
    },

    async downloadUrl({ key, versionId }, { method, fileName, contentType, disposition, expiresAt }) {
      const expires = Date.parse(expiresAt)
      const permit: DownloadPermit = { method, key, versionId, fileName, contentType, disposition, expires }
      return `${baseUrl}/store/vault/${signer.sign(permit)}`
    },

    async openSigned(token, method) {
      const { key, versionId, fileName, contentType, disposition } = signer.verify<DownloadPermit>(token, method, now())
      const found = await head({ key, versionId })
      if (!found) throw notFound('object')
      return { head: found, fileName, contentType, disposition }
    },

    async extendLock(ref, until, mode) {
      await amend(ref, (sidecar) => {
        const current = Date.parse(sidecar.lockUntil)
        const active = current > now().getTime()
        const weaker = active && sidecar.lockMode === 'COMPLIANCE' && mode !== 'COMPLIANCE'
        if (!(until.getTime() >= current) || until <= now() || weaker) {
          throw new ArchiveError(
            'conflict',
            'lock-shortened',
            `This version is locked until ${sidecar.lockUntil} (${sidecar.lockMode}). A lock only becomes longer or stronger.`,
          )
        }
        return { lockUntil: until.toISOString(), lockMode: mode }
      })
    },

    async hold(ref, on) {
      await amend(ref, () => ({ held: on }))
    },

    async destroy(ref, { bypass = false } = {}) {
      if (!VERSION_ID.test(ref.versionId)) return
      const path = base(ref)
      await inTurn(path, async () => {
        // Without bytes there is no version to protect, only what a crash left of one.
        const sidecar = (await statOrNothing(`${path}.bin`)) && (await readSidecar(`${path}.json`))
        if (sidecar?.held) {
          throw new ArchiveError('conflict', 'object-held', 'A legal hold covers this version: lift the hold first.')
        }
        const locked = sidecar && Date.parse(sidecar.lockUntil) > now().getTime()
        if (locked && !(bypass && sidecar.lockMode === 'GOVERNANCE')) {
          throw new ArchiveError('conflict', 'object-locked', `This version is locked until ${sidecar.lockUntil}.`)
        }
        const removed = [await unlinkIfThere(`${path}.bin`), await unlinkIfThere(`${path}.json`)]
        if (!removed.includes(true)) return
        await syncFolder(dirname(path)).catch(nothingIfMissing(undefined))
        await removeEmpty(dirname(path))
      })
    },
  }

  /** Remove a folder and those above it as far as they are empty: their names tell of customers and documents. */
  async function removeEmpty(folder: string): Promise<void> {
    for (let at = folder; at !== root; at = dirname(at)) {
      try {
        await rmdir(at)
      } catch (error) {
        if (!isMissing(error)) return
      }
    }
  }
}

/**
 * Read a sidecar.
 *
 * @throws when it is damaged: then nothing is known of locks and holds, and nothing may be done to the object
 */
async function readSidecar(path: string): Promise<Sidecar | undefined> {
  const text = await readFile(path, 'utf8').catch(nothingIfMissing(undefined))
  if (text === undefined) return undefined
  const sidecar: Sidecar = JSON.parse(text)
  if (sidecar.format !== 1 || Number.isNaN(Date.parse(sidecar.lockUntil))) throw new Error(`${path} is damaged.`)
  return sidecar
}

/** A second name for the same bytes; a copy where the file system has no second names or is another one. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw uploadMissing()
    if (!['EXDEV', 'EPERM', 'EMLINK', 'ENOTSUP', 'ENOSYS'].includes(codeOf(error) ?? '')) throw error
    await copyFile(from, to)
    const copy = await open(to, 'r')
    await copy.sync().finally(() => copy.close())
  }
}

/** Run steps with the same name one after the other. */
function queues() {
  const last = new Map<string, Promise<unknown>>()
  return async <T>(name: string, step: () => Promise<T>): Promise<T> => {
    const turn = (last.get(name) ?? Promise.resolve()).then(step, step)
    last.set(name, turn)
    try {
      return await turn
    } finally {
      if (last.get(name) === turn) last.delete(name)
    }
  }
}

function cursorOf({ key, versionId }: VaultRef): string {
  return Buffer.from(JSON.stringify([key, versionId])).toString('base64url')
}

function parseCursor(cursor: string): VaultRef {
  try {
    const [key, versionId]: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (typeof key === 'string' && typeof versionId === 'string') return { key, versionId }
  } catch {
    // Answered below.
  }
  throw new ArchiveError('malformed', 'invalid-cursor', 'This cursor is not from an earlier page of the same list.')
}
