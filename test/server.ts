import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const CLI = `${root}packages/cli/bin.js`

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

export interface Server {
  url: string
  /** Everything it wrote so far. */
  output(): string
  /** Ends it and waits until it is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>
}

/** `npm start`, without npm: the archive on a data folder, answering when this resolves. */
export async function startServer(options: {
  dataDir: string
  port?: number
  url?: string
  args?: string[]
}): Promise<Server> {
  const port = options.port ?? (await freePort())
  const url = options.url ?? `http://localhost:${port}`
  const env = { ...process.env, PORT: String(port), REGISTRATUR_DATA: options.dataDir, REGISTRATUR_URL: url }
  const child = spawn(process.execPath, ['functions/local.ts', ...(options.args ?? [])], { cwd: root, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (chunk) => (output += chunk))
  await untilHealthy(`http://127.0.0.1:${port}/api/health`, child, () => output)
  return {
    url,
    output: () => output,
    async kill(signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill(signal)
      await gone
    },
  }
}

async function untilHealthy(health: string, child: ChildProcess, output: () => string): Promise<void> {
  const deadline = Date.now() + 60_000
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The server ended:\n${output()}`)
    const ok = await fetch(health).then(
      (response) => response.ok,
      () => false,
    )
    if (ok) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`The server did not answer:\n${output()}`)
}

export interface Finished {
  code: number | null
  stdout: string
  stderr: string
}

/** Run the command line as a user would. */
export function registratur(args: string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (chunk) => (stdout += chunk))
  child.stderr.setEncoding('utf8').on('data', (chunk) => (stderr += chunk))
  const done = once(child, 'close').then(([code]): Finished => ({ code, stdout, stderr }))
  return { child, done }
}
