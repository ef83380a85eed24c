import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { median } from '../measure.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const ROUNDS = 10

export interface FirstEvent {
  name: string
  /** Of the handler, in functions/. */
  entry: string
  /** The request it answers; without one the function gets an event without records. */
  path?: string
  headers?: Record<string, string>
  env: Record<string, string>
}

export interface Start {
  name: string
  entry: string
  /** Everything that is deployed, bytes. */
  bytes: number
  /** From the start of the process to the first answer, median, milliseconds. */
  ms: number
  fastest: number
}

/** Bundle each function as SST does and start it in fresh processes, all in turns. */
export async function measureFunctions(events: FirstEvent[]) {
  const folder = await mkdtemp(join(tmpdir(), 'registratur-bundles-'))
  try {
    const cold = join(folder, 'cold.mjs')
    await build({ ...COMMON, entryPoints: [join(ROOT, 'bench/aws/cold.ts')], outfile: cold })
    const bundles = new Map<string, number>()
    for (const { entry } of events) if (!bundles.has(entry)) bundles.set(entry, await bundle(entry, folder))
    const commands = [
      { command: ['-e', 'process.stdout.write("answered")'], env: {} },
      ...events.map(({ entry, path = '', headers = {}, env }) => ({
        command: [cold, join(folder, entry, `${entry}.mjs`), path, JSON.stringify(headers)],
        env,
      })),
    ]
    const times: number[][] = commands.map(() => [])
    for (let round = 0; round < ROUNDS; round++) {
      for (const [n, { command, env }] of commands.entries()) times[n]?.push(await timeToAnswer(command, env))
    }
    const [node = 0, ...medians] = times.map(median)
    const starts = events.map(({ name, entry }, n): Start => {
      return {
        name,
        entry,
        bytes: bundles.get(entry) ?? 0,
        ms: medians[n] ?? Number.NaN,
        fastest: Math.min(...(times[n + 1] ?? [])),
      }
    })
    return { node, starts }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const COMMON = { bundle: true, platform: 'node', format: 'esm', target: 'esnext', logLevel: 'error' } as const

/** Options as in SST's builder for Node.js; the AWS SDK goes into the bundle, too. */
async function bundle(entry: string, folder: string): Promise<number> {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: [join(ROOT, `functions/${entry}.ts`)],
    outdir: join(folder, entry),
    outExtension: { '.js': '.mjs' },
    ...{ minify: true, splitting: true, keepNames: true, metafile: true },
    mainFields: ['module', 'main'],
    external: ['sharp', 'pg-native'],
    banner: {
      js: [
        'import{createRequire as topLevelRequire}from"node:module"',
        'import{fileURLToPath as topLevelPath}from"node:url"',
        'const require=topLevelRequire(import.meta.url)',
        'const __filename=topLevelPath(import.meta.url)',
        'const __dirname=topLevelPath(new URL(".",import.meta.url))',
      ].join(';'),
    },
  })
  return Object.values(metafile.outputs).reduce((sum, { bytes }) => sum + bytes, 0)
}

async function timeToAnswer(command: string[], env: Record<string, string>): Promise<number> {
  const started = performance.now()
  const child: ChildProcess = spawn(process.execPath, ['--enable-source-maps', ...command], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  let answered: number | undefined
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output += chunk
      if (output.endsWith('answered')) answered ??= performance.now() - started
    })
  }
  await once(child, 'close')
  if (answered === undefined) throw new Error(`${command.join(' ')} gave no answer:\n${output}`)
  return answered
}
