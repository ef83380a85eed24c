#!/usr/bin/env node
// Plain JavaScript that any Node.js can start: what it imports needs Node.js 24.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const NEEDED = 24

if (Number.parseInt(process.versions.node, 10) >= NEEDED) {
  hideExperimentalWarnings()
  await import('./main.ts')
} else {
  handOver(nodeFromDependencies())
}

/** The `node` package brings the right Node.js along, where its install script was allowed to run. */
function nodeFromDependencies() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node'
  try {
    const file = join(dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', name)
    return existsSync(file) ? file : undefined
  } catch {
    return undefined
  }
}

/** @param {string | undefined} node */
function handOver(node) {
  if (!node) return giveUp('none came with the installed packages')
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', (error) => giveUp(`the one in ${node} does not start (${error.message})`))
  child.on('exit', (code, signal) => {
    if (!signal) process.exit(code ?? 1)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

/** @param {string} why */
function giveUp(why) {
  console.error(`registratur needs Node.js ${NEEDED} or newer. This is ${process.version}, and ${why}.`)
  console.error('Run npm install again, or install a newer Node.js.')
  process.exit(1)
}

/** The first releases of Node.js 24 announce SQLite and TypeScript at every start. */
function hideExperimentalWarnings() {
  const emit = process.emitWarning
  process.emitWarning = (warning, ...rest) => {
    const type = typeof rest[0] === 'object' ? rest[0]?.type : rest[0]
    if (type !== 'ExperimentalWarning') Reflect.apply(emit, process, [warning, ...rest])
  }
}
