import { randomUUID } from 'node:crypto'
import { chmod, mkdir, open, readdir, rename, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Where files are written before they are renamed into place. Not a name that a key or an upload id can have. */
const INCOMING = '.incoming'
const DAY_MS = 86_400_000

/** Create a folder that only its owner may read, with a place for unfinished files, and sweep what a crash left there. */
export async function openFolder(folder: string): Promise<void> {
  await mkdir(join(folder, INCOMING), { recursive: true, mode: 0o700 })
  await chmod(folder, 0o700)
  await sweepIncoming(folder, new Date(Date.now() - DAY_MS))
  await syncFolder(folder)
}

/** A new name for an unfinished file. */
export function incoming(folder: string): string {
  return join(folder, INCOMING, randomUUID())
}

/** Remove unfinished files that nobody has written to since an instant. */
export async function sweepIncoming(folder: string, olderThan: Date): Promise<void> {
  for (const name of await namesIn(join(folder, INCOMING))) {
    const path = join(folder, INCOMING, name)
    const found = await statOrNothing(path)
    if (found && found.mtime < olderThan) await rm(path, { force: true })
  }
}

/** Write a file whole and durably under an unfinished name. The caller renames it and syncs the folder. */
export async function writeIncoming(folder: string, content: string): Promise<string> {
  const path = incoming(folder)
  const file = await open(path, 'wx', 0o600)
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
  return path
}

/** Replace a file so that a reader, also after a power cut, finds the old or the new one whole. */
export async function replaceFile(folder: string, path: string, content: string): Promise<void> {
  await rename(await writeIncoming(folder, content), path)
  await syncFolder(dirname(path))
}

/**
 * Make the entries of a folder durable, and those of the folders above it up to `root`: somebody else may have created
 * one of them a moment ago and not be done yet.
 */
export async function syncUpTo(root: string, folder: string): Promise<void> {
  const folders = [root]
  for (let at = folder; at !== root; at = dirname(at)) folders.push(at)
  await Promise.all(folders.map(syncFolder))
}

/** Make a folder's entries durable. */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

/** Run a step again when a folder it had made was removed as empty in between. */
export async function againIfMissing<T>(step: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await step()
    } catch (error) {
      if (!isMissing(error) || attempt === 5) throw error
    }
  }
}

export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch(nothingIfMissing([]))
}

export async function statOrNothing(path: string) {
  return stat(path).catch(nothingIfMissing(undefined))
}

/** @returns whether there was a file */
export async function unlinkIfThere(path: string): Promise<boolean> {
  return unlink(path).then(() => true, nothingIfMissing(false))
}

export function nothingIfMissing<T>(value: T): (error: unknown) => T {
  return (error) => {
    if (isMissing(error)) return value
    throw error
  }
}

export function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR'
}

export function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code
}

/** Read a file piece by piece. It is opened at the first read, so a stream that nobody reads costs nothing. */
export function streamFile(path: string, start: number, end: number): ReadableStream<Uint8Array> {
  const PIECE = 256 * 1024
  let file: Awaited<ReturnType<typeof open>> | undefined
  let position = start
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          file ??= await open(path, 'r')
          const wanted = Math.min(PIECE, end + 1 - position)
          const { bytesRead, buffer } = await file.read(new Uint8Array(Math.max(wanted, 0)), 0, wanted, position)
          if (bytesRead < wanted && bytesRead === 0) throw new Error(`${path} is shorter than expected`)
          position += bytesRead
          if (bytesRead) controller.enqueue(buffer.subarray(0, bytesRead))
          if (position > end) {
            await file.close()
            controller.close()
          }
        } catch (error) {
          await file?.close().catch(() => {})
          throw error
        }
      },
      async cancel() {
        await file?.close()
      },
    },
    { highWaterMark: 0 },
  )
}
