import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf, content, expectSame, refuses, sha256, ticketFor } from '@registratur/core/contract/store'
import type { UploadTicket, VaultRef } from '@registratur/core/ports'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { openKey, openSigner } from './signer.ts'
import { type EmbeddedStaging, openStaging } from './staging.ts'
import { type EmbeddedVault, openVault } from './vault.ts'

const fsMocks = vi.hoisted(() => ({ link: undefined as undefined | (() => Promise<void>) }))
vi.mock(import('node:fs/promises'), async (original) => {
  const real = await original()
  return { ...real, link: (...parameters) => (fsMocks.link ? fsMocks.link() : real.link(...parameters)) }
})

const DAY_MS = 86_400_000

let dataDir: string
let staging: EmbeddedStaging
let vault: EmbeddedVault
let time: Date

beforeEach(async () => {
  time = new Date('2026-01-01T00:00:00Z')
  dataDir = await mkdtemp(join(tmpdir(), 'registratur-'))
  const options = { dataDir, baseUrl: 'http://localhost:1', now: () => time }
  staging = await openStaging(options)
  vault = await openVault({ ...options, staging })
})
afterEach(() => rm(dataDir, { recursive: true }))

const tokenOf = (url: string) => url.split('/').at(-1) ?? ''

async function receive(ticket: UploadTicket, body: AsyncIterable<Uint8Array>): Promise<void> {
  const { url } = await staging.uploadUrl(ticket)
  const { contentType, size } = ticket
  await staging.receive(tokenOf(url), { method: 'PUT', contentType, contentLength: String(size), body })
}

async function* pieces(bytes: Uint8Array, size = 100) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

async function adopt(bytes = content(), key = 'customers/CUS-0001/doc_1/upl_1'): Promise<VaultRef> {
  const ticket = ticketFor(bytes)
  await receive(ticket, pieces(bytes))
  return { key, ...(await vault.adopt(ticket.id, key, { documentId: 'doc_1', version: 1, sha256: ticket.sha256 })) }
}

/** Every file below a folder, unfinished ones too. */
async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('staging', () => {
  it('stops reading at the first byte too many', async () => {
    let sent = 0
    async function* endless() {
      for (;;) {
        sent += 100
        yield content(100)
      }
    }
    const ticket = ticketFor(content(1000))
    await refuses(receive(ticket, endless()), 'upload-mismatch')
    expect(sent).toBe(1100)
    expect(await filesBelow(join(dataDir, 'staging'))).toEqual([])
  })

  it('leaves nothing of an upload that fails', async () => {
    const bytes = content()
    async function* broken() {
      yield bytes.subarray(0, 500)
      throw new Error('connection lost')
    }
    await expect(receive(ticketFor(bytes), broken())).rejects.toThrow('connection lost')
    await refuses(receive(ticketFor(bytes), pieces(content())), 'upload-mismatch')
    await refuses(receive(ticketFor(bytes), pieces(bytes.subarray(1))), 'upload-mismatch')
    expect(await filesBelow(join(dataDir, 'staging'))).toEqual([])
  })

  it('counts age by its own clock', async () => {
    const bytes = content()
    const ticket = ticketFor(bytes)
    await receive(ticket, pieces(bytes))
    expect(await staging.removeOlderThan(new Date(time.getTime() - 1000))).toBe(0)
    expect(await staging.removeOlderThan(new Date(time.getTime() + 1000))).toBe(1)
    expect(await staging.removeOlderThan(new Date(time.getTime() + 1000))).toBe(0)
    expect(await readdir(join(dataDir, 'staging'))).toEqual(['.incoming'])
  })

  it('sweeps what a crash left, but not what is being written', async () => {
    const [old, young] = ['old', 'young'].map((name) => join(dataDir, 'staging', '.incoming', name)) as [string, string]
    await writeFile(old, 'x')
    await writeFile(young, 'x')
    const yesterday = new Date(Date.now() - 2 * DAY_MS)
    await utimes(old, yesterday, yesterday)
    await openStaging({ dataDir, baseUrl: '' })
    expect(await readdir(join(dataDir, 'staging', '.incoming'))).toEqual(['young'])
    await staging.removeOlderThan(new Date(Date.now() + 1000))
    expect(await readdir(join(dataDir, 'staging', '.incoming'))).toEqual([])
  })

  it.each(['../x', '.', '..', 'a/b', '', 'a\0b', '.incoming', 'x'.repeat(300)])('refuses the id %j', async (id) => {
    await refuses(staging.uploadUrl({ ...ticketFor(content()), id }), 'invalid-key')
    await refuses(staging.head(id), 'invalid-key')
    await refuses(staging.read(id), 'invalid-key')
    await refuses(staging.remove(id), 'invalid-key')
  })

  it('refuses an announcement that announces nothing', async () => {
    const ticket = ticketFor(content())
    for (const wrong of [{ size: -1 }, { size: 1.5 }, { sha256: '../x' }, { expiresAt: 'never' }]) {
      await refuses(staging.uploadUrl({ ...ticket, ...wrong }), 'invalid-upload')
    }
  })
})

describe('vault', () => {
  it('lets a lock end', async () => {
    const ref = await adopt()
    const lockUntil = '2026-01-08T00:00:00.000Z'
    expect(await vault.head(ref)).toMatchObject({ createdAt: '2026-01-01T00:00:00.000Z', lockUntil })
    time = new Date(Date.parse(lockUntil) - 1)
    await refuses(vault.destroy(ref), 'object-locked')
    time = new Date(lockUntil)
    await vault.destroy(ref)
    expect(await vault.head(ref)).toBeUndefined()
  })

  it('lets a COMPLIANCE lock end, and takes a weaker one after it', async () => {
    const ref = await adopt()
    await vault.extendLock(ref, new Date('2027-01-01'), 'COMPLIANCE')
    time = new Date('2026-12-31')
    await refuses(vault.extendLock(ref, new Date('2028-01-01'), 'GOVERNANCE'), 'lock-shortened')
    time = new Date('2027-01-01')
    await vault.extendLock(ref, new Date('2028-01-01'), 'GOVERNANCE')
    await refuses(vault.extendLock(ref, new Date(Number.NaN), 'GOVERNANCE'), 'lock-shortened')
    time = new Date('2028-01-01')
    await vault.hold(ref, true)
    await refuses(vault.destroy(ref), 'object-held')
    await vault.hold(ref, false)
    await vault.destroy(ref)
  })

  it('shares the bytes with staging, and nobody can write them by accident', async () => {
    const bytes = content()
    const ref = await adopt(bytes)
    const path = join(dataDir, 'vault', ref.key, `${ref.versionId}.bin`)
    const status = await stat(path)
    expect([status.nlink, status.mode & 0o777]).toEqual([2, 0o444])
    for (const folder of ['vault', 'vault/customers/CUS-0001', 'staging', 'keys']) {
      expect((await stat(join(dataDir, folder))).mode & 0o777).toBe(0o700)
    }
    await staging.removeOlderThan(new Date(time.getTime() + 1000))
    expect((await stat(path)).nlink).toBe(1)
    expectSame(await bytesOf(await vault.get(ref)), bytes)
  })

  it('copies where it cannot link', async () => {
    fsMocks.link = () => Promise.reject(Object.assign(new Error('EXDEV'), { code: 'EXDEV' }))
    try {
      const bytes = content()
      const ref = await adopt(bytes)
      expectSame(await bytesOf(await vault.get(ref)), bytes)
      expect((await stat(join(dataDir, 'vault', ref.key, `${ref.versionId}.bin`))).nlink).toBe(1)
    } finally {
      fsMocks.link = undefined
    }
  })

  it('leaves nothing of an adoption that fails', async () => {
    fsMocks.link = () => Promise.reject(Object.assign(new Error('disk'), { code: 'EIO' }))
    await expect(adopt())
      .rejects.toThrow('disk')
      .finally(() => {
        fsMocks.link = undefined
      })
    expect(await filesBelow(join(dataDir, 'vault'))).toEqual([])
  })

  it('adopts nothing under the hash of something else', async () => {
    const bytes = content()
    const ticket = ticketFor(bytes)
    await receive(ticket, pieces(bytes))
    const meta = { documentId: 'doc_1', version: 1, sha256: sha256(content()) }
    await refuses(vault.adopt(ticket.id, 'a/b', meta), 'upload-mismatch')
    expect(await vault.versions('a/b')).toEqual([])
  })

  it('leaves no trace of what it destroyed', async () => {
    const kept = await adopt(content(), 'customers/CUS-0001/doc_2/upl_2')
    const ref = await adopt()
    await vault.destroy(ref, { bypass: true })
    expect(await readdir(join(dataDir, 'vault/customers/CUS-0001'))).toEqual(['doc_2'])
    await vault.destroy(kept, { bypass: true })
    expect(await readdir(join(dataDir, 'vault'))).toEqual(['.incoming'])
  })

  it('adopts and destroys under one folder at the same time', async () => {
    const refs = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        const ref = await adopt(content(10), `customers/CUS-0001/doc_${n % 2}/upl_1`)
        if (n % 4) await vault.destroy(ref, { bypass: true })
        return { ref, there: !(n % 4) }
      }),
    )
    for (const { ref, there } of refs) expect((await vault.head(ref)) !== undefined).toBe(there)
  })

  it('destroys nothing that is being put on hold', async () => {
    const ref = await adopt()
    const held = vault.hold(ref, true)
    await refuses(vault.destroy(ref, { bypass: true }), 'object-held')
    await held
    expect(await vault.head(ref)).toMatchObject({ held: true })
  })

  it('has a version only when both its files are there', async () => {
    const [a, b] = [await adopt(), await adopt()]
    await rm(join(dataDir, 'vault', a.key, `${a.versionId}.bin`))
    await rm(join(dataDir, 'vault', b.key, `${b.versionId}.json`))
    for (const ref of [a, b]) expect(await vault.head(ref)).toBeUndefined()
    expect(await vault.versions(a.key)).toEqual([])
    expect((await vault.list('')).items).toEqual([])
    await vault.destroy(a)
    await vault.destroy(b)
    expect(await readdir(join(dataDir, 'vault'))).toEqual(['.incoming'])
  })

  it('does nothing to a version whose lock it cannot read', async () => {
    const ref = await adopt()
    const sidecar = join(dataDir, 'vault', ref.key, `${ref.versionId}.json`)
    for (const damaged of ['', '{', '{}', '{"format":1}']) {
      await writeFile(sidecar, damaged)
      await expect(vault.destroy(ref, { bypass: true })).rejects.toThrow()
    }
    expect(await filesBelow(join(dataDir, 'vault'))).toHaveLength(2)
  })

  it.each(['../x', 'a/../b', 'a//b', '/a', 'a/', '', 'a\0', '.incoming', 'a/.incoming'])(
    'refuses the key %j',
    async (key) => {
      const versionId = 'ver_01J00000000000000000000000'
      const meta = { documentId: 'doc_1', version: 1, sha256: '' }
      await refuses(vault.adopt('upl_1', key, meta), 'invalid-key')
      await refuses(vault.head({ key, versionId }), 'invalid-key')
      await refuses(vault.versions(key), 'invalid-key')
      await refuses(vault.destroy({ key, versionId }), 'invalid-key')
    },
  )

  it('survives being killed at any moment', { timeout: 60_000 }, async () => {
    const script = `
      import { openStaging } from ${JSON.stringify(new URL('./staging.ts', import.meta.url).href)}
      import { openVault } from ${JSON.stringify(new URL('./vault.ts', import.meta.url).href)}
      import { createHash, randomBytes } from 'node:crypto'
      const options = { dataDir: process.argv[1], baseUrl: '' }
      const staging = await openStaging(options)
      const vault = await openVault({ ...options, staging })
      const work = async (lane) => {
        for (let n = 0; ; n += 1) {
          const bytes = randomBytes(50_000)
          const sha256 = createHash('sha256').update(bytes).digest('hex')
          const id = 'upl_' + process.pid + '_' + lane + '_' + n
          const { url } = await staging.uploadUrl({ id, size: bytes.length, sha256, contentType: 'a/b', expiresAt: '2100-01-01' })
          const request = { method: 'PUT', contentType: 'a/b', contentLength: '50000', body: (async function* () { yield bytes })() }
          await staging.receive(url.split('/').at(-1), request)
          const key = 'k/' + id
          const { versionId } = await vault.adopt(id, key, { documentId: 'd', version: 1, sha256 })
          console.log(JSON.stringify({ key, versionId, sha256 }))
          if (n % 3 === 0) await vault.destroy({ key, versionId }, { bypass: true })
        }
      }
      for (let lane = 0; lane < 4; lane += 1) work(lane)`
    const acknowledged: (VaultRef & { sha256: string })[] = []
    for (let round = 0; round < 6; round += 1) {
      const child: ChildProcess = spawn(process.execPath, ['--input-type=module', '-e', script, dataDir], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      const enough = 10 + round * 7
      child.stdout?.on('data', (chunk) => {
        output += chunk
        if (output.split('\n').length > enough) child.kill('SIGKILL')
      })
      await once(child, 'close')
      acknowledged.push(
        ...output
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line)),
      )
    }
    const found = new Map<string, string>()
    let after: string | undefined
    do {
      const page = await vault.list('k/', after)
      for (const { key, versionId } of page.items) {
        const head = await vault.head({ key, versionId })
        expect(sha256(await bytesOf(await vault.get({ key, versionId })))).toBe(head?.meta.sha256)
        found.set(key, versionId)
      }
      after = page.after
    } while (after)
    expect(acknowledged.length).toBeGreaterThan(100)
    for (const { key, versionId } of acknowledged) {
      if (Number(key.split('_').at(-1)) % 3) expect(found.get(key)).toBe(versionId)
    }
    // Bytes never outlive the name by which they can be destroyed.
    for (const path of await filesBelow(join(dataDir, 'vault', 'k'))) {
      if (path.endsWith('.bin')) await readFile(path.replace(/bin$/, 'json'))
    }
  })
})

describe('signed URLs', () => {
  const options = {
    method: 'GET',
    fileName: 'a.pdf',
    contentType: 'application/pdf',
    disposition: 'inline',
  } as const

  it('end at their instant', async () => {
    const ref = await adopt()
    const expiresAt = '2026-01-01T00:01:00.000Z'
    const token = tokenOf(await vault.downloadUrl(ref, { ...options, expiresAt }))
    time = new Date('2026-01-01T00:00:59.999Z')
    expect(await vault.openSigned(token, 'GET')).toMatchObject({ fileName: 'a.pdf', head: ref })
    time = new Date(expiresAt)
    await refuses(vault.openSigned(token, 'GET'), 'url-expired')
  })

  it('are refused when any part of them is changed', async () => {
    const ref = await adopt()
    const expiresAt = '2026-01-01T00:01:00.000Z'
    const token = tokenOf(await vault.downloadUrl(ref, { ...options, expiresAt }))
    const [payload = '', mac = ''] = token.split('.')
    const permit = JSON.parse(Buffer.from(payload, 'base64url').toString())
    const repacked = (change: object) => Buffer.from(JSON.stringify({ ...permit, ...change })).toString('base64url')
    for (const forged of [
      `${repacked({ method: 'HEAD' })}.${mac}`,
      `${repacked({ expires: permit.expires + 1000 })}.${mac}`,
      `${repacked({ fileName: 'b.exe' })}.${mac}`,
      `${repacked({ key: 'a' })}.${mac}`,
      ...[
        payload,
        `${payload}.`,
        `.${mac}`,
        `${token}.x`,
        '',
        '.',
        `${payload}.${mac.slice(0, -4)}`,
        `${mac}.${payload}`,
      ],
    ]) {
      for (const method of ['GET', 'HEAD', 'PUT']) await refuses(vault.openSigned(forged, method), 'invalid-url')
    }
    const bytes = content()
    const request = { method: 'GET', contentType: options.contentType, contentLength: '1000', body: pieces(bytes) }
    await refuses(staging.receive(token, { ...request, method: 'PUT' }), 'invalid-url')
    const upload = tokenOf((await staging.uploadUrl(ticketFor(bytes))).url)
    for (const method of ['GET', 'HEAD']) await refuses(vault.openSigned(upload, method), 'invalid-url')
  })

  it('are signed with one key, however many processes start at once', async () => {
    const folder = join(dataDir, 'new', 'keys')
    const made = await Promise.all(Array.from({ length: 20 }, () => openKey(folder, 'url.key')))
    expect(new Set(made.map((key) => key.toString('hex'))).size).toBe(1)
    expect(await readdir(folder)).toEqual(['url.key'])
    expect((await stat(join(folder, 'url.key'))).mode & 0o777).toBe(0o600)
  })

  it('are not signed with a damaged key', async () => {
    const path = join(dataDir, 'keys', 'url.key')
    await chmod(path, 0o600)
    await appendFile(path, 'x')
    await expect(openSigner(dataDir)).rejects.toThrow(/damaged/)
  })
})
