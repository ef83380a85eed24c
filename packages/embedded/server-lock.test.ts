import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { claimDataFolder } from './server-lock.ts'

let dataDir: string
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'registratur-lock-'))
})
afterEach(() => rm(dataDir, { recursive: true, force: true }))

it('lets one server at a time have a data folder', () => {
  const release = claimDataFolder(dataDir)
  expect(() => claimDataFolder(dataDir)).toThrow('Another server is running')
  release()
  claimDataFolder(dataDir)()
})

it('is let go by a process that is killed', async () => {
  const module = fileURLToPath(new URL('./server-lock.ts', import.meta.url))
  const script = `const { claimDataFolder } = await import(${JSON.stringify(module)})
    claimDataFolder(${JSON.stringify(dataDir)}); console.log('claimed'); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script])
  await once(child.stdout, 'data')
  expect(() => claimDataFolder(dataDir)).toThrow('Another server is running')
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
  claimDataFolder(dataDir)()
})
