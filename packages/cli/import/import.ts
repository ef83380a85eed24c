import { readFile, realpath, stat } from 'node:fs/promises'
import { RecordClass } from '@registratur/core/retention'
import { type Archive, connect } from '../archive.ts'
import { CONNECTION, type Command, parse, UsageError } from '../command.ts'
import { type Interrupt, onInterrupt } from '../interrupt.ts'
import { inParallel } from '../parallel.ts'
import { Refused, Unreachable } from '../request.ts'
import { bytes, counted, printable } from '../text.ts'
import { type Defaults, openFiling } from './filing.ts'
import { type Manifest, ManifestError, readManifest } from './manifest.ts'
import { showProgress } from './progress.ts'
import { type Summary, textOf } from './summary.ts'
import { openTargets, type Targets } from './targets.ts'
import { type FoundFile, type Remark, type Walk, walk } from './walk.ts'

const help = `registratur import DIR [--manifest FILE.csv] [--class CLASS] [--draft] [--json] [--url URL] [--key KEY]

File a tree of folders: DIR/<customer>/<folder>/…/<file>.

  <customer>   a number (“CUS-0007” or “CUS-0007 whatever”) or the exact name of a customer; a new one is created
  <folder>     existing folders are found whatever their case, new ones created; a file that lies directly in the
               customer's folder goes to “Unsorted”
  <file>       becomes a final document: title = its name, date = the date in its name (2024-01-31, 20240131 or
               31.01.2024) or that of its last change, class = what the folders' names say (Rechnungen, Contracts, …),
               else correspondence

  --manifest FILE   CSV that knows better, see below
  --class CLASS     the class of everything, instead of guessing from folders:
                    ${RecordClass.options.slice(0, 6).join(', ')},
                    ${RecordClass.options.slice(6).join(', ')}
  --draft           file drafts
  --json            print the summary as JSON

Run it again whenever you like: what a customer has already (the same bytes) is not filed a second time. So it may be
interrupted with Ctrl-C, and it waits for an archive that restarts. Do not run two imports of one tree at the same
time: a customer or document that both of them create in the same moment may then be there twice.

Manifest: a header row, then a row per file; separated by commas or semicolons, UTF-8. All columns but path are optional.
  path           below DIR, with forward slashes: Muster GmbH/Rechnungen/RE-1.pdf
  recordClass, title, number, documentDate, contractEnd, tags (a;b), status (draft or final)
  folder         instead of the one it lies in: Rechnungen/2024
  fileName       instead of its own
  versionOf      the path of the file of which this is an earlier version: it is not imported
  customer.type (company or person), customer.name, customer.firstName, customer.lastName, … for new customers, in any
  row of the customer or in one whose path is the customer's folder; a CUS-number that is not this customer's in the
  archive is then given up for the name
If any row is wrong, nothing is imported.

Examples:
  registratur import ./files
  registratur import ./files --manifest ./files/manifest.csv --draft
  registratur import ./scans --class correspondence --json > summary.json
`

const PARALLEL = 4

async function run(args: string[]): Promise<number> {
  const { values, operands } = parse(
    args,
    {
      ...CONNECTION,
      manifest: { type: 'string' },
      class: { type: 'string' },
      draft: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
    },
    ['DIR'],
  )
  const folder = await folderOf(operands[0] ?? '')
  const defaults = { recordClass: classOf(values.class), draft: values.draft }
  const manifest = values.manifest === undefined ? undefined : await manifestOf(values.manifest)
  if (manifest === 'wrong') return 1

  const interrupt = onInterrupt(() =>
    console.error('Finishing the files that are on their way. Ctrl-C again to stop now.'),
  )
  const found = await walk(folder, {
    listed: (path) => manifest?.files.has(path) ?? false,
    manifest: values.manifest && (await realpath(values.manifest)),
  })
  const archive = await connect(values, interrupt)
  const summary = await importAll(archive, found, manifest, defaults, interrupt)
  process.stdout.write(values.json ? `${JSON.stringify(summary, null, 2)}\n` : textOf(summary))
  if (summary.interrupted) return interrupt.exitCode()
  return summary.notImported.length + summary.notReached > 0 ? 1 : 0
}

async function folderOf(dir: string): Promise<string> {
  const status = await stat(dir).catch(() => undefined)
  if (!status?.isDirectory()) throw new UsageError(`“${printable(dir)}” is not a folder.`)
  return dir
}

function classOf(given: string | undefined): RecordClass | undefined {
  if (given === undefined) return undefined
  const { data } = RecordClass.safeParse(given)
  if (data) return data
  throw new UsageError(`“${printable(given)}” is not a class. Give one of: ${RecordClass.options.join(', ')}.`)
}

async function manifestOf(file: string): Promise<Manifest | 'wrong'> {
  const content = await readFile(file).catch(() => undefined)
  if (!content) throw new UsageError(`The manifest ${printable(file)} can’t be read.`)
  try {
    return readManifest(content)
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    for (const { line, message } of error.problems) console.error(printable(`${file}, line ${line}: ${message}`))
    console.error('Nothing was imported. Correct the manifest and run the import again.')
    return 'wrong'
  }
}

async function importAll(
  archive: Archive,
  found: Walk,
  manifest: Manifest | undefined,
  defaults: Defaults,
  interrupt: Interrupt,
): Promise<Summary> {
  const begin = performance.now()
  const earlier = (file: FoundFile) => manifest?.files.get(file.path)?.versionOf
  const files = found.files.filter((file) => !earlier(file))
  const skipped = [
    ...found.skipped,
    ...found.files
      .filter(earlier)
      .map((file) => ({ path: file.path, reason: `an earlier version of ${earlier(file)}` })),
  ]
  const targets = openTargets(archive, manifest)
  const result = await fileAll(archive, files, targets, manifest, defaults, interrupt)
  const customers = [...targets.made.customers.values()]
  const created = customers.filter((customer) => customer.created).length
  return {
    customers: { created, found: customers.length - created, list: customers },
    folders: { created: targets.made.folders },
    documents: result.documents,
    alreadyThere: result.alreadyThere,
    duplicates: result.duplicates,
    skipped,
    notImported: [...found.refused, ...result.failed, ...missingFrom(found, manifest)],
    notReached: files.length - result.reached,
    interrupted: interrupt.signal.aborted,
    seconds: Math.round(performance.now() - begin) / 1000,
  }
}

async function fileAll(
  archive: Archive,
  files: FoundFile[],
  targets: Targets,
  manifest: Manifest | undefined,
  defaults: Defaults,
  interrupt: Interrupt,
) {
  const fileOne = openFiling(archive, targets)
  const gone = new AbortController()
  const documents = { filed: 0, bytes: 0 }
  const duplicates: Summary['duplicates'] = []
  const failed: Remark[] = []
  let alreadyThere = 0
  let reached = 0
  const totalBytes = files.reduce((sum, { size }) => sum + size, 0)
  console.error(`Importing ${counted(files.length, 'file')} (${bytes(totalBytes)}) into ${archive.url}`)
  const progress = showProgress(files.length, totalBytes)
  const step = async (file: FoundFile) => {
    try {
      const outcome = await fileOne(file, manifest?.files.get(file.path), defaults)
      if (outcome.kind === 'duplicate') duplicates.push({ path: file.path, of: outcome.of })
      else if (outcome.kind === 'already-there') alreadyThere += 1
      else {
        documents.filed += 1
        documents.bytes += file.size
      }
      reached += 1
    } catch (error) {
      const unreachable = error instanceof Unreachable || (error instanceof Refused && error.status === 401)
      if (unreachable && interrupt.signal.aborted) return
      // Whoever comes next would only wait in vain, too.
      if (unreachable) gone.abort(error)
      reached += 1
      failed.push({ path: file.path, reason: (error as Error).message })
    } finally {
      progress.add(file.size)
    }
  }
  await inParallel(files, PARALLEL, step, AbortSignal.any([interrupt.signal, gone.signal]))
  progress.stop()
  if (gone.signal.aborted)
    console.error(`Stopped, as ${archive.url} no longer answers us: ${gone.signal.reason.message}`)
  return { documents, duplicates, failed, alreadyThere, reached }
}

/** Rows whose file or folder is not there. What was found and can't be imported is reported already. */
function missingFrom(found: Walk, manifest: Manifest | undefined): Remark[] {
  if (!manifest) return []
  const seen = [...found.files, ...found.refused, ...found.skipped].map(({ path }) => path)
  const there = new Set([...seen, ...seen.map((path) => path.split('/', 1)[0])])
  const reason = (line: number) => `the manifest names it in line ${line}, but it is not there`
  return [
    ...[...manifest.files]
      .filter(([path]) => !there.has(path))
      .map(([path, { line }]) => ({ path, reason: reason(line) })),
    ...[...manifest.customers]
      .filter(
        ([folder]) => !there.has(folder) && ![...manifest.files.keys()].some((path) => path.startsWith(`${folder}/`)),
      )
      .map(([folder, { line }]) => ({ path: `${folder}/`, reason: reason(line) })),
  ]
}

export const command: Command = { help, run }
