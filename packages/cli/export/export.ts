import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Customer } from '@registratur/core/customer-fields'
import type { Document, Version } from '@registratur/core/document'
import type { FolderNode } from '@registratur/core/folder'
import { type Archive, connect } from '../archive.ts'
import { CONNECTION, type Command, parse, required, UsageError } from '../command.ts'
import { showProgress } from '../import/progress.ts'
import { type Interrupt, onInterrupt } from '../interrupt.ts'
import { inParallel } from '../parallel.ts'
import { send } from '../request.ts'
import { bytes, counted, printable } from '../text.ts'
import { manifestOf } from './manifest.ts'
import { type Plan, type PlannedFile, planOf } from './plan.ts'

const help = `registratur export --customer CUS-0001 --to DIR [--url URL] [--key KEY]

Write a customer's file to a folder:

  DIR/CUS-0001 Muster GmbH/<folder>/…/<file>              the newest final version, otherwise the newest draft
  DIR/CUS-0001 Muster GmbH/<folder>/…/<file>.versions/    the others: “1 <file>”, “2 <file>”, …
  DIR/manifest.csv                                        what registratur import needs to file it all again
  DIR/manifest.json                                       everything else: versions, hashes, who and when

Every download is compared with its SHA-256. Names are made fit for Windows, macOS and Linux; the manifests hold the
true ones. The archive journals the export before it begins.

  --customer   the customer's number
  --to DIR     a folder that does not exist yet, or is empty, or holds this same export, which is then completed

Examples:
  registratur export --customer CUS-0001 --to ./handover
  registratur import ./handover --manifest ./handover/manifest.csv --url https://other.example
`

const FORMAT = 'registratur-export-1'
const PARALLEL = 4
const PARTIAL = '.partial'

interface Record {
  format: typeof FORMAT
  complete: boolean
  customer: { id: string; createdAt: string }
  files: PlannedFile[]
}

async function run(args: string[]): Promise<number> {
  const { values } = parse(args, { ...CONNECTION, customer: { type: 'string' }, to: { type: 'string' } })
  const number = required(values.customer, '--customer')
  if (!/^CUS-\d{4,12}$/.test(number)) throw new UsageError('--customer is a number such as CUS-0001.')
  const to = resolve(required(values.to, '--to'))
  const interrupt = onInterrupt(() => console.error('Finishing the files that are on their way.'))
  const before = await recordIn(to)
  const archive = await connect(values, interrupt)
  await archive.ask(() => archive.api.customers[':customer'].exports.$post({ param: { customer: number } }))
  const file = await readFileOf(archive, number)
  if (before && !continues(before, file.customer, file.plan)) {
    throw new UsageError(`${to} holds another export, or the archive has changed since. Give an empty folder.`)
  }
  await mkdir(to, { recursive: true, mode: 0o700 })
  const root = await realpath(to)
  await writeRecord(root, archive, file, false)
  const { failed, written, kept, reached } = await download(archive, root, file, interrupt)
  for (const { path, reason } of failed) console.error(printable(`${path}: ${reason}`))
  const { plan, customer } = file
  if (interrupt.signal.aborted || failed.length > 0) {
    const missing = plan.files.length - reached + failed.length
    console.error(`${counted(missing, 'file')} missing. The same command completes the export.`)
    return interrupt.exitCode() || 1
  }
  await writeRecord(root, archive, file, true)
  const versions = `${counted(plan.documents.length, 'document')} in ${counted(plan.files.length, 'version')}`
  const size = plan.files.reduce((sum, { size: each }) => sum + each, 0)
  console.log(`Exported ${customer.id} ${printable(customer.name)} to ${to}: ${versions}, ${bytes(size)}.`)
  console.log(`All were compared with their SHA-256${kept > 0 ? ` (${written} new, ${kept} here already)` : ''}.`)
  return 0
}

/** What an earlier run left here. @throws {UsageError} when the folder holds something else */
async function recordIn(to: string): Promise<Record | undefined> {
  const names = await readdir(to).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    if (error.code === 'ENOTDIR') throw new UsageError(`${to} is not a folder.`)
    throw error
  })
  if (names.length === 0) return undefined
  const text = await readFile(join(to, 'manifest.json'), 'utf8').catch(() => '')
  try {
    const record: Record = JSON.parse(text)
    if (record.format === FORMAT && Array.isArray(record.files)) return record
  } catch {
    // Answered below.
  }
  throw new UsageError(`${to} is not empty and holds no export. Give a new folder.`)
}

/** Is what was planned then still part of the plan? Then what was written can stay. */
function continues(before: Record, customer: Customer, plan: Plan): boolean {
  if (before.customer?.id !== customer.id || before.customer.createdAt !== customer.createdAt) return false
  const now = new Map(plan.files.map((file) => [file.path, file]))
  return before.files.every(({ path, sha256 }) => now.get(path)?.sha256 === sha256)
}

interface CustomerFile {
  customer: Customer
  tree: FolderNode[]
  plan: Plan
}

async function readFileOf({ api, ask }: Archive, number: string): Promise<CustomerFile> {
  const customer = await ask(() => api.customers[':customer'].$get({ param: { customer: number } }))
  const param = { customer: customer.id }
  const one = api.customers[':customer']
  const [tree, contacts] = await Promise.all([
    // The client's types end at recursion.
    ask(() => one.folders.$get({ param })).then(({ items }) => items as unknown as FolderNode[]),
    ask(() => one.contacts.$get({ param })),
  ])
  const documents: Document[] = []
  let cursor: string | undefined
  do {
    const query = { limit: '500', ...(cursor && { cursor }) }
    const page = await ask(() => one.documents.$get({ param, query }))
    documents.push(...page.items)
    cursor = page.cursor
  } while (cursor)
  const versions = new Map<string, Version[]>()
  await inParallel(documents, PARALLEL, async ({ id }) => {
    const { items } = await ask(() => one.documents[':document'].versions.$get({ param: { ...param, document: id } }))
    versions.set(id, items)
  })
  return { customer, tree, plan: planOf(customer, tree, contacts.items, documents, versions) }
}

async function writeRecord(root: string, { url }: Archive, { customer, tree, plan }: CustomerFile, complete: boolean) {
  const documents = plan.documents.map(({ document, path, versions }) => ({ ...document, path, versions }))
  const record = { format: FORMAT, complete, exportedAt: new Date().toISOString(), archive: url, customer }
  await replace(root, 'manifest.csv', manifestOf(customer, plan))
  await replace(
    root,
    'manifest.json',
    `${JSON.stringify({ ...record, folders: tree, documents, files: plan.files }, null, 2)}\n`,
  )
}

async function replace(root: string, name: string, content: string): Promise<void> {
  const partial = join(root, `${PARTIAL}-${name}`)
  const file = await open(partial, 'w', 0o600)
  await file.writeFile(content).finally(() => file.close())
  await rename(partial, join(root, name))
}

async function download(archive: Archive, root: string, { customer, plan }: CustomerFile, { signal }: Interrupt) {
  const partial = join(root, PARTIAL)
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial, { mode: 0o700 })
  for (const path of plan.folders) await mkdir(inside(root, path), { recursive: true, mode: 0o700 })
  const failed: { path: string; reason: string }[] = []
  let written = 0
  let kept = 0
  const progress = showProgress(
    plan.files.length,
    plan.files.reduce((sum, { size }) => sum + size, 0),
  )
  const step = async (file: PlannedFile) => {
    try {
      if (await isThere(root, file)) kept += 1
      else {
        await fetchOne(archive, root, customer, file)
        written += 1
      }
    } catch (error) {
      failed.push({ path: file.path, reason: (error as Error).message })
    } finally {
      progress.add(file.size)
    }
  }
  const reached = await inParallel(plan.files, PARALLEL, step, signal)
  progress.stop()
  await rm(partial, { recursive: true, force: true })
  return { failed, written, kept, reached }
}

/** Names are safe by construction; this makes sure of it. */
function inside(root: string, path: string): string {
  const absolute = resolve(root, ...path.split('/'))
  if (!absolute.startsWith(root + sep)) throw new Error(`${path} would lie outside of the export`)
  return absolute
}

async function isThere(root: string, { path, sha256 }: PlannedFile): Promise<boolean> {
  const absolute = inside(root, path)
  if (!(await stat(absolute).catch(() => undefined))) return false
  const hash = createHash('sha256')
  await pipeline(createReadStream(absolute), hash)
  if (hash.digest('hex') === sha256) return true
  throw new Error('there is another file of this name: move it away')
}

async function fetchOne(
  { api, persist, url }: Archive,
  root: string,
  { id }: Customer,
  file: PlannedFile,
): Promise<void> {
  const partial = join(root, PARTIAL, `${file.documentId.replace(/\W/g, '')}-${file.n}`)
  const param = { customer: id, document: file.documentId, n: String(file.n) }
  const content = api.customers[':customer'].documents[':document'].versions[':n'].content
  await persist(() =>
    send(
      () => content.$get({ param, query: {} }) as unknown as Promise<Response>,
      async ({ body }) => {
        const hash = createHash('sha256')
        const hashed = async function* (pieces: AsyncIterable<Uint8Array>) {
          for await (const piece of pieces) {
            hash.update(piece)
            yield piece
          }
        }
        const source = body ? Readable.fromWeb(body as import('node:stream/web').ReadableStream) : Readable.from([])
        await pipeline(source, hashed, createWriteStream(partial, { mode: 0o600 }))
        if (hash.digest('hex') !== file.sha256)
          throw new Error(`what ${url} sent differs from its SHA-256: verify the archive`)
      },
    ),
  )
  const target = inside(root, file.path)
  await mkdir(dirname(target), { recursive: true, mode: 0o700 })
  if (!`${await realpath(dirname(target))}${sep}`.startsWith(root + sep))
    throw new Error('its folder leads out of the export')
  await rename(partial, target)
}

export const command: Command = { help, run }
