import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { client } from '@registratur/functions/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { folder, imported, many, openArchive, registratur, said, type TestArchive, workFolder } from './testing.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))

let work: string
let archive: TestArchive

beforeAll(async () => {
  work = await workFolder()
  archive = await openArchive(join(work, 'a'))
})
afterAll(async () => {
  await archive.stop('SIGTERM')
  await rm(work, { recursive: true, force: true })
})

describe('key create', () => {
  it('prints the key and nothing else, before there is an archive', async () => {
    const data = join(work, 'new', 'data')
    const { code, stdout, stderr } = await registratur([
      'key',
      'create',
      '--role',
      'clerk',
      '--name',
      'x',
      '--data',
      data,
    ])
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringMatching(/^reg_[0-9A-Z]{26}_[\w-]{43}\n$/) })
    expect(stderr).toBe(`There is no archive in ${data} yet: a new one begins with this key.\n`)
    expect((await stat(data)).mode & 0o777).toBe(0o700)
  })

  it('works beside a running server', async () => {
    const args = ['key', 'create', '--role', 'administrator', '--role', 'clerk', '--name', 'y', '--data', archive.data]
    const { code, stdout, stderr } = await registratur(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const me = await (await client(archive.url, stdout.trim()).me.$get()).json()
    expect(me).toMatchObject({ kind: 'machine', name: 'y', roles: ['administrator', 'clerk'] })
  })
})

describe('usage', () => {
  it.each([
    [[], 'registratur import DIR'],
    [['impotr'], 'There is no command “impotr”.'],
    [['import'], 'DIR is missing.'],
    [['import', '/does/not/exist'], 'is not a folder'],
    [['import', HERE, 'b'], '“b” is one argument too many.'],
    [['import', HERE, '--frobnicate'], "Unknown option '--frobnicate'."],
    [['import', HERE, '--class', 'receipt'], '“receipt” is not a class.'],
    [['import', HERE, '--manifest', '/does/not/exist'], 'can’t be read'],
    [['export', '--to', 'x'], '--customer is missing.'],
    [['export', '--customer', '../x', '--to', 'x'], '--customer is a number such as CUS-0001.'],
    [['key', 'create', '--name', 'x'], '--role is missing'],
    [['key', 'create', '--name', 'x', '--role', 'king'], '“king” is not a role'],
    [['backup'], '--to is missing.'],
    [['restore', '--from', 'x'], '--data is missing.'],
  ])('%j is refused with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await registratur(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(message)
  })

  it('asks for a key, and says when it is not known', async () => {
    const empty = await folder(work, {})
    expect(await registratur(['import', empty], { REGISTRATUR_URL: archive.url })).toMatchObject({
      ...{ code: 2, stderr: expect.stringContaining('An API key is missing') },
    })
    const unknown = { REGISTRATUR_URL: archive.url, REGISTRATUR_KEY: 'reg_nobody' }
    expect(await registratur(['import', empty], unknown)).toMatchObject({
      ...{ code: 1, stderr: expect.stringContaining('This API key is unknown') },
    })
  })

  it.each([
    [['--help'], 'registratur COMMAND --help explains a command.'],
    [['import', '--help'], 'registratur import ./files'],
    [['help', 'export'], 'registratur export --customer CUS-0001'],
  ])('%j helps', async (args, text) => {
    const { code, stdout, stderr } = await registratur(args)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(text)
  })

  const old = oldNode()
  it.skipIf(!old)('starts under an older Node.js, and passes signals and exit codes on', async () => {
    const [bin, env] = [join(HERE, 'bin.js'), { ...process.env, ...archive.env }]
    const help = spawn(old ?? '', [bin, '--help'])
    await said(help.stdout, 'registratur import DIR')
    expect(await once(help, 'close')).toEqual([0, null])
    expect(await once(spawn(old ?? '', [bin, 'import']), 'close')).toEqual([2, null])
    const child = spawn(old ?? '', [bin, 'import', await folder(work, many('Alt GmbH', 80))], { env })
    await said(child.stderr, 'Importing')
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
  })
})

describe('backup and restore', () => {
  it('copy the data folder of a running archive and bring it back', async () => {
    await imported([await folder(work, { 'Sicherung GmbH/a.txt': 'safe' })], archive)
    const [to, data] = [join(work, 'backup'), join(work, 'restored')]
    const made = await registratur(['backup', '--data', archive.data, '--to', to])
    expect(made).toMatchObject({ code: 0, stderr: '', stdout: expect.stringContaining('and checked') })
    expect(await registratur(['restore', '--from', to, '--data', data])).toMatchObject({ code: 0, stderr: '' })
    expect((await readdir(data)).sort()).toContain('archive.db')
    const again = await registratur(['restore', '--from', to, '--data', data])
    expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('is not empty') })
  })
})

/** A Node.js on the PATH that can't run our TypeScript. */
function oldNode(): string | undefined {
  const candidates = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  return candidates.filter(existsSync).find((node) => {
    const major = execFileSync(node, ['-p', 'parseInt(process.versions.node)'], { encoding: 'utf8' })
    return Number(major) >= 18 && Number(major) < 24
  })
}
