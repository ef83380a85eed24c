import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openTable } from '@registratur/embedded/table'
import { expect, it } from 'vitest'
import { type Json, sha256 } from './kit.ts'
import { freePort, registratur, startServer } from './server.ts'

const CRASHES = Number(process.env.CRASHES ?? 5)
const SEED = Number(process.env.SEED ?? 20261122)
const CUSTOMERS = 3
const FILES_A_ROUND = 20

it(`loses nothing in ${CRASHES} kills during an import`, { timeout: 120_000 + CRASHES * 20_000 }, async () => {
  const random = generator(SEED)
  const folder = await mkdtemp(join(tmpdir(), 'registratur-crash-'))
  const dataDir = join(folder, 'data')
  const source = join(folder, 'source')
  const serverPort = await freePort()
  const proxy = await recordingProxy(serverPort)
  try {
    const { stdout } = await registratur([
      'key',
      'create',
      '--role',
      'administrator',
      '--name',
      'crash',
      '--data',
      dataDir,
    ]).done
    const env = { REGISTRATUR_KEY: stdout.trim(), REGISTRATUR_URL: proxy.url }
    const start = () => startServer({ dataDir, port: serverPort, url: proxy.url })
    const files = new Map<string, string>()
    let server = await start()
    let killedWhileFiling = 0

    for (let crash = 0; crash < CRASHES; crash++) {
      for (let i = 0; i < FILES_A_ROUND; i++) await addFile(source, files, crash * FILES_A_ROUND + i, random)
      const before = proxy.acknowledged.size
      const run = registratur(['import', source], env)
      // From the first filing on, a kill at any of the next moments hits the middle of one.
      await Promise.race([proxy.untilAcknowledged(before + 1 + Math.floor(random() * (FILES_A_ROUND - 5))), run.done])
      await new Promise((resolve) => setTimeout(resolve, random() * 15))
      await server.kill('SIGKILL')
      if (proxy.acknowledged.size < files.size) killedWhileFiling++
      const importDiesToo = random() < 0.5
      if (importDiesToo) run.child.kill('SIGKILL')
      server = await start()
      await run.done
    }

    const last = await registratur(['import', source], env).done
    expect(last.code, last.stderr).toBe(0)
    expect(killedWhileFiling).toBeGreaterThan(CRASHES / 2)

    const found = await everyDocument(server.url, env.REGISTRATUR_KEY)
    const hashes = found.map((document) => document.sha256)
    expect(new Set(hashes).size, 'none twice').toBe(hashes.length)
    expect(new Set(hashes)).toEqual(new Set(files.keys()))
    const ids = new Set(found.map((document) => document.id))
    for (const id of proxy.acknowledged) expect(ids.has(id), `${id} was acknowledged`).toBe(true)
    for (const document of found) expect(sha256(document.bytes)).toBe(document.sha256)
    await server.kill()

    const table = openTable(join(dataDir, 'archive.db'))
    expect(table.integrityCheck()).toEqual([])
    await table.close()
  } finally {
    proxy.close()
    await rm(folder, { recursive: true, force: true })
  }
})

async function addFile(source: string, files: Map<string, string>, n: number, random: () => number): Promise<void> {
  const directory = join(source, `Kunde ${n % CUSTOMERS}`, n % 2 ? 'Invoices' : 'Contracts/2026')
  await mkdir(directory, { recursive: true })
  const bytes = randomBytes(1 + Math.floor(random() * 60_000))
  files.set(sha256(bytes), `file-${n}`)
  await writeFile(join(directory, `2026-03-05 Beleg ${n}.pdf`), bytes)
}

async function everyDocument(url: string, key: string): Promise<Json[]> {
  const headers = { authorization: `Bearer ${key}` }
  const get = async (path: string): Promise<Json> => (await fetch(`${url}/api${path}`, { headers })).json()
  const documents: Json[] = []
  for (const { id } of (await get('/customers?limit=100')).items) {
    let cursor = ''
    do {
      const page = await get(`/customers/${id}/documents?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
      documents.push(...page.items)
      cursor = page.cursor ?? ''
    } while (cursor)
  }
  for (const document of documents) {
    const path = `/customers/${document.customerId}/documents/${document.id}/versions/1/content`
    const response = await fetch(`${url}/api${path}`, { headers })
    expect(response.status, path).toBe(200)
    document.bytes = new Uint8Array(await response.arrayBuffer())
  }
  return documents
}

/** Stands before the server, whatever process that is, and notes which documents it has acknowledged. */
async function recordingProxy(target: number) {
  const acknowledged = new Set<string>()
  const waiting: { count: number; resolve: () => void }[] = []
  const server = createServer((req: IncomingMessage, res: ServerResponse) => {
    const { method, url: path, headers } = req
    const onward = request({ host: '127.0.0.1', port: target, method, path, headers }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('error', () => res.destroy())
      answer.on('end', () => {
        if (!answer.complete) return res.destroy()
        const body = Buffer.concat(chunks)
        if (method === 'POST' && path?.endsWith('/documents') && answer.statusCode === 201) {
          acknowledged.add(JSON.parse(body.toString()).id)
          for (const { count, resolve } of waiting) if (acknowledged.size >= count) resolve()
        }
        res.writeHead(answer.statusCode ?? 502, answer.headers).end(body)
      })
    })
    onward.on('error', () => res.destroy())
    req.pipe(onward)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  return {
    url: `http://localhost:${port}`,
    acknowledged,
    untilAcknowledged: (count: number) =>
      new Promise<void>((resolve) => {
        if (acknowledged.size >= count) resolve()
        else waiting.push({ count, resolve })
      }),
    close: () => server.close(),
  }
}

/** Mulberry32: a small seeded generator of numbers in [0, 1). */
function generator(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
