import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** A service that tests start on a free port of this machine and end again. */
export interface Engine {
  url: string
  stop(): Promise<void>
}

/** Why an engine can't run here. */
export class MissingEngine extends Error {}

export interface Running {
  output(): string
  /** Throws when it has ended. */
  check(): void
  stop(): Promise<void>
}

/** Start a program that stays. It ends with this process, too. */
export function start(
  command: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Running {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let failure: Error | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      output = (output + chunk).slice(-20_000)
    })
  }
  child.on('error', (error) => {
    failure = error
  })
  const end = () => void child.kill('SIGKILL')
  process.once('exit', end)
  return {
    output: () => output,
    check() {
      if (failure) throw failure
      if (hasEnded(child)) throw new Error(`${command} ended:\n${output}`)
    },
    async stop() {
      process.off('exit', end)
      if (failure || hasEnded(child)) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const impatient = setTimeout(end, 5_000)
      await gone
      clearTimeout(impatient)
    },
  }
}

const hasEnded = ({ exitCode, signalCode }: ChildProcess) => exitCode !== null || signalCode !== null

/** Run a program to its end. */
export async function run(command: string, args: string[], options: { cwd?: string } = {}): Promise<string> {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stderr}`)
  return stdout
}

/** Try until it answers. */
export async function until(answers: () => Promise<boolean>, programs: Running[], seconds = 60): Promise<void> {
  const deadline = Date.now() + seconds * 1000
  for (;;) {
    if (await answers().catch(() => false)) return
    for (const program of programs) program.check()
    if (Date.now() > deadline) throw new Error(`No answer:\n${programs.map((program) => program.output()).join('\n')}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

/** Different ports nobody listens on. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(servers.map((server) => once(server, 'listening')))
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))))
  return ports
}
