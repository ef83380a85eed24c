import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ArchiveError } from '@registratur/core/errors'
import type { Staging } from '@registratur/core/ports'
import {
  againIfMissing,
  incoming,
  namesIn,
  openFolder,
  statOrNothing,
  streamFile,
  sweepIncoming,
  syncUpTo,
  unlinkIfThere,
} from './files.ts'
import { openSigner, type Permit } from './signer.ts'

export interface StoreOptions {
  dataDir: string
  /** What the signed URLs start with: `http://localhost:4321`. */
  baseUrl: string
  /** For tests: the clock of expiry and locks. */
  now?: () => Date
}

export interface StagedFile {
  path: string
  size: number
  sha256: string
}

/** Staging in a folder. Its signed URLs are served by whoever calls `receive`. */
export interface EmbeddedStaging extends Staging {
  /**
   * Take the bytes of a request to a signed upload URL.
   *
   * @throws {ArchiveError} `invalid-url` | `url-expired` | `upload-mismatch`
   */
  receive(token: string, request: Received): Promise<void>
  /** Where an upload's bytes lie. The file is never changed in place, so it may be hard-linked. */
  file(uploadId: string): Promise<StagedFile | undefined>
}

export interface Received {
  method: string
  contentType: string | undefined
  contentLength: string | undefined
  body: AsyncIterable<Uint8Array> | null
}

interface UploadPermit extends Permit {
  method: 'PUT'
  upload: string
  size: number
  sha256: string
  contentType: string
}

const NAME = /^[A-Za-z0-9_-]{1,200}$/
const SHA256 = /^[0-9a-f]{64}$/

/**
 * Open the staging folder `<data>/staging`. An upload is one file, `<upload id>/<sha256>`: its hash is verified while
 * it arrives, and one rename makes it appear with it.
 */
export async function openStaging({
  dataDir,
  baseUrl,
  now = () => new Date(),
}: StoreOptions): Promise<EmbeddedStaging> {
  const root = join(dataDir, 'staging')
  await openFolder(root)
  const signer = await openSigner(dataDir)

  const folderOf = (uploadId: string) => {
    if (!NAME.test(uploadId)) throw new ArchiveError('malformed', 'invalid-key', 'This is not the id of an upload.')
    return join(root, uploadId)
  }

  async function file(uploadId: string): Promise<StagedFile | undefined> {
    const folder = folderOf(uploadId)
    let newest: (StagedFile & { mtimeMs: number }) | undefined
    for (const sha256 of (await namesIn(folder)).filter((name) => SHA256.test(name))) {
      const path = join(folder, sha256)
      const found = await statOrNothing(path)
      if (found && found.mtimeMs >= (newest?.mtimeMs ?? 0)) {
        newest = { path, size: found.size, sha256, mtimeMs: found.mtimeMs }
      }
    }
    return newest && { path: newest.path, size: newest.size, sha256: newest.sha256 }
  }

  /** Write a body to an unfinished file while hashing it, and stop at the first byte too many. */
  async function write(path: string, body: AsyncIterable<Uint8Array> | null, { size, sha256 }: UploadPermit) {
    const out = await open(path, 'wx', 0o600)
    try {
      const hash = createHash('sha256')
      let received = 0
      for await (const piece of body ?? []) {
        received += piece.length
        if (received > size) throw mismatch(`The upload is longer than the ${size} bytes announced.`)
        hash.update(piece)
        for (let written = 0; written < piece.length; ) {
          written += (await out.write(piece, written)).bytesWritten
        }
      }
      if (received < size) throw mismatch(`Only ${received} of the ${size} bytes announced arrived.`)
      if (hash.digest('hex') !== sha256) throw mismatch('The upload has another SHA-256 than announced.')
      const time = now()
      await out.utimes(time, time)
      await out.sync()
    } finally {
      await out.close()
    }
  }

  return {
    async uploadUrl({ id, size, sha256, contentType, expiresAt }) {
      folderOf(id)
      const expires = Date.parse(expiresAt)
      if (!Number.isSafeInteger(size) || size < 0 || !SHA256.test(sha256) || Number.isNaN(expires)) {
        throw new ArchiveError('malformed', 'invalid-upload', 'An upload states its size, SHA-256 and expiry.')
      }
      const permit: UploadPermit = { method: 'PUT', upload: id, size, sha256, contentType, expires }
      return {
        url: `${baseUrl}/store/staging/${signer.sign(permit)}`,
        method: 'PUT',
        headers: { 'content-type': contentType },
        expiresAt,
      }
    },

    async receive(token, { method, contentType, contentLength, body }) {
      const permit = signer.verify<UploadPermit>(token, method, now())
      if (contentType !== permit.contentType) {
        throw new ArchiveError('forbidden', 'invalid-url', `Send the header Content-Type: ${permit.contentType}`)
      }
      if (contentLength !== String(permit.size)) {
        throw mismatch(`Send a Content-Length of ${permit.size}, the size announced.`)
      }
      const unfinished = incoming(root)
      const folder = folderOf(permit.upload)
      try {
        await write(unfinished, body, permit)
        await againIfMissing(async () => {
          await mkdir(folder, { recursive: true, mode: 0o700 })
          await rename(unfinished, join(folder, permit.sha256))
        })
        await syncUpTo(root, folder)
      } catch (error) {
        await unlinkIfThere(unfinished)
        throw error
      }
      // What an earlier URL for the same upload brought.
      const earlier = (await namesIn(folder)).filter((name) => name !== permit.sha256)
      for (const name of earlier) await unlinkIfThere(join(folder, name))
    },

    file,

    async head(uploadId) {
      const found = await file(uploadId)
      return found && { size: found.size, sha256: found.sha256 }
    },

    async read(uploadId) {
      const found = await file(uploadId)
      if (!found) throw uploadMissing()
      return streamFile(found.path, 0, found.size - 1)
    },

    async remove(uploadId) {
      await rm(folderOf(uploadId), { recursive: true, force: true })
    },

    async removeOlderThan(instant) {
      await sweepIncoming(root, instant)
      let removed = 0
      for (const name of (await readdir(root)).filter((entry) => NAME.test(entry))) {
        const folder = join(root, name)
        let found = false
        for (const entry of await namesIn(folder)) {
          const path = join(folder, entry)
          const status = await statOrNothing(path)
          if (status && status.mtime < instant) found = (await unlinkIfThere(path)) || found
        }
        if (found) removed += 1
        await rmdir(folder).catch(() => {}) // Not empty: something newer has arrived.
      }
      return removed
    },
  }
}

/** The answer when an upload's bytes never arrived or have expired. */
export function uploadMissing(): ArchiveError {
  return new ArchiveError(
    'not-found',
    'upload-missing',
    'The bytes of this upload are not here. Upload the file again.',
  )
}

function mismatch(message: string): ArchiveError {
  return new ArchiveError('malformed', 'upload-mismatch', message)
}
