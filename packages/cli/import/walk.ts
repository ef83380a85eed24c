import { constants, type Dirent } from 'node:fs'
import { access, readdir, realpath, stat } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { FileName } from '@registratur/core/text'
import { MOST_BYTES } from '@registratur/core/upload'
import { UsageError } from '../command.ts'

export interface FoundFile {
  /** As the manifest names it: below the imported folder, with forward slashes, NFC. */
  path: string
  absolute: string
  /** The names of `path`. */
  segments: string[]
  size: number
  modified: Date
}

export interface Remark {
  path: string
  reason: string
}

export interface Walk {
  files: FoundFile[]
  /** Left out on purpose. */
  skipped: Remark[]
  /** What somebody may have meant to import, and why it can't be. */
  refused: Remark[]
}

/** Files that operating systems and programs leave lying about. */
export function isClutter(name: string): boolean {
  return name.startsWith('.') || name.startsWith('~$') || CLUTTER.has(name.toLowerCase())
}
const HIDDEN = 'hidden, or left there by a program'
const EXPORT_FILES = new Set(['manifest.csv', 'manifest.json'])
const CLUTTER = new Set(['thumbs.db', 'desktop.ini', 'ehthumbs.db', '__macosx', '$recycle.bin'])

interface Options {
  /** Paths that a manifest names: these are never taken for clutter. */
  listed?: (path: string) => boolean
  /** The manifest, if it lies here too. */
  manifest?: string
}

/** Find everything below a folder and tell what can be imported. Nothing is opened. */
export async function walk(folder: string, options: Options = {}): Promise<Walk> {
  const found: Walk = { files: [], skipped: [], refused: [] }
  const root = await realpath(folder)
  await walkFolder(root, [], undefined, { listed: () => false, ...options, root, found })
  for (const list of Object.values(found) as { path: string }[][]) list.sort((a, b) => (a.path < b.path ? -1 : 1))
  return found
}

interface Context extends Options {
  root: string
  listed: (path: string) => boolean
  found: Walk
}

/** @param problem  what is wrong with a folder above, and so with everything below it */
async function walkFolder(folder: string, above: string[], problem: string | undefined, context: Context) {
  const { found } = context
  const entries = await entriesOf(folder)
  if (!entries) {
    found.refused.push({ path: above.join('/') || '.', reason: 'may not be read' })
    return
  }
  // Many files at once, as each step waits for the disk only; folders one by one.
  await Promise.all(
    entries.filter((entry) => !entry.isDirectory()).map((entry) => look(entry, above, problem, context)),
  )
  for (const { name } of entries.filter((entry) => entry.isDirectory())) {
    const segments = [...above, name.normalize('NFC')]
    const path = segments.join('/')
    if (isClutter(name)) found.skipped.push({ path: `${path}/`, reason: HIDDEN })
    else await walkFolder(join(folder, name), segments, problem ?? problemOfFolder(name), context)
  }
}

async function entriesOf(folder: string): Promise<Dirent[] | undefined> {
  try {
    const entries = await readdir(folder, { withFileTypes: true })
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1))
  } catch {
    return undefined
  }
}

function problemOfFolder(name: string): string | undefined {
  const problem = problemOfName(name)
  return problem && `its folder’s name ${problem}`
}

function problemOfName(name: string): string | undefined {
  if (name.includes('\ufffd')) return 'is not valid UTF-8: rename it'
  return FileName.safeParse(name).error?.issues[0]?.message
}

async function look(entry: Dirent, above: string[], problem: string | undefined, context: Context) {
  const { root, listed, manifest, found } = context
  const absolute = join(entry.parentPath, entry.name)
  const segments = [...above, entry.name.normalize('NFC')]
  const path = segments.join('/')
  const skip = (reason: string) => found.skipped.push({ path, reason })
  const refuse = (reason: string) => found.refused.push({ path, reason })
  if (absolute === manifest) return
  if (above.length === 0 && EXPORT_FILES.has(path)) {
    if (manifest) return skip('describes the files of an export')
    throw new UsageError(`There is a ${path}: give it with --manifest, or move it away to import without it.`)
  }
  if (isClutter(entry.name) && !listed(path)) return skip(HIDDEN)
  const nameProblem = problemOfName(entry.name)
  if (nameProblem) return refuse(`its name ${nameProblem}`)
  if (problem) return refuse(problem)
  if (entry.isSymbolicLink()) {
    const target = await realpath(absolute).catch(() => undefined)
    if (!target) return skip('a link that leads nowhere')
    if (!target.startsWith(root + sep)) return skip('a link that leads out of the folder')
  }
  const status = await stat(absolute).catch(() => undefined)
  if (!status) return refuse('may not be read')
  if (status.isDirectory()) return skip('a link to a folder, which is imported where it lies')
  if (!status.isFile()) return refuse('is not a file')
  if (above.length === 0) return refuse('lies in no customer’s folder: move it into one')
  if (status.size === 0) return refuse('is empty')
  if (status.size > MOST_BYTES) return refuse('is larger than 5 GiB: split it')
  const readable = await access(absolute, constants.R_OK).then(
    () => true,
    () => false,
  )
  if (!readable) return refuse('may not be read')
  found.files.push({ path, absolute, segments, size: status.size, modified: status.mtime })
}
