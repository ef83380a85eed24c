/** What the tests of the command line share: archives on a server of their own, and trees to import. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { Readable } from 'node:stream'
import type { Document } from '@registratur/core/document'
import type { FolderNode } from '@registratur/core/folder'
import { client } from '@registratur/functions/client'
import { type Finished, freePort, registratur as spawnIt, startServer } from '../../test/server.ts'
import type { Summary } from './import/summary.ts'

export interface TestArchive {
  url: string
  data: string
  /** How the command line gets to know it. */
  env: Record<string, string>
  api: ReturnType<typeof client>
  /** Start the server again. */
  start(): Promise<void>
  stop(signal: NodeJS.Signals): Promise<void>
}

export const workFolder = () => mkdtemp(join(tmpdir(), 'registratur-cli-'))

/** Start the command line; what a test does not say about the environment is unset. */
export const start = (args: string[], env: Record<string, string> = {}) =>
  spawnIt(args, { REGISTRATUR_URL: '', REGISTRATUR_KEY: '', REGISTRATUR_DATA: '', ...env })

export const registratur = (args: string[], env?: Record<string, string>): Promise<Finished> => start(args, env).done

/** A server on a data folder, and a key to it that was made before it first started. */
export async function openArchive(data: string): Promise<TestArchive> {
  const key = ['key', 'create', '--role', 'administrator', '--name', 'test', '--data', data]
  const REGISTRATUR_KEY = (await registratur(key)).stdout.trim()
  const port = await freePort()
  let server = await startServer({ dataDir: data, port })
  const { url } = server
  return {
    ...{ url, data, env: { REGISTRATUR_URL: url, REGISTRATUR_KEY }, api: client(url, REGISTRATUR_KEY) },
    async start() {
      server = await startServer({ dataDir: data, port })
    },
    stop: (signal) => server.kill(signal),
  }
}

/** Import, and read the summary. */
export async function imported(args: string[], { env }: TestArchive): Promise<Summary & { code: number | null }> {
  const { code, stdout, stderr } = await registratur(['import', ...args, '--json'], env)
  if (!stdout) throw new Error(stderr)
  return { code, ...JSON.parse(stdout) }
}

/** Resolves once a stream has said something. */
export function said(stream: Readable, words: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = ''
    stream.on('data', (piece) => {
      text += piece
      if (text.includes(words)) resolve()
    })
    stream.on('end', () => reject(new Error(`It ended without saying “${words}”: ${text}`)))
  })
}

/** A new folder with these files. */
export async function folder(work: string, files: Record<string, string>): Promise<string> {
  const root = await mkdtemp(join(work, 'tree-'))
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), content)
  }
  return root
}

/** Many small files of one customer, all different. */
export const many = (customer: string, n: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: n }, (_, i) => [`${customer}/Briefe/${i % 5}/${i}.txt`, `${customer} ${i}`]))

export const sha = (bytes: Uint8Array | string) => createHash('sha256').update(bytes).digest('hex')

export async function documentsOf({ api }: TestArchive, customer: string): Promise<Document[]> {
  const answer = await api.customers[':customer'].documents.$get({ param: { customer }, query: { limit: '500' } })
  return (await answer.json()).items
}

/** Paths of a customer's folders, by id. */
export async function foldersOf({ api }: TestArchive, customer: string): Promise<Map<string, string>> {
  const { items } = await (await api.customers[':customer'].folders.$get({ param: { customer } })).json()
  const paths = new Map<string, string>()
  const visit = (nodes: FolderNode[], above: string[]) => {
    for (const { id, name, children } of nodes) {
      paths.set(id, [...above, name].join('/'))
      visit(children, [...above, name])
    }
  }
  visit(items as unknown as FolderNode[], [])
  return paths
}
