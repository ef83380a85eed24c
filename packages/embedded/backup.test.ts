import {
  appendFile,
  chmod,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  truncate,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesOf, content, expectSame, inMinutes, ticketFor } from '@registratur/core/contract/store'
import { insert, queryAll } from '@registratur/core/item'
import { keys } from '@registratur/core/keys'
import type { VaultRef } from '@registratur/core/ports'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backup, restore, verifyBackup } from './backup.ts'
import { type EmbeddedStaging, openStaging } from './staging.ts'
import { type EmbeddedTable, openTable } from './table.ts'
import { type EmbeddedVault, openVault } from './vault.ts'

async function openArchive(dataDir: string) {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const staging = await openStaging({ dataDir, baseUrl: '' })
  const vault = await openVault({ dataDir, baseUrl: '', staging })
  return { table: openTable(join(dataDir, 'archive.db')), staging, vault }
}

let root: string
let dataDir: string
let to: string
let table: EmbeddedTable
let staging: EmbeddedStaging
let vault: EmbeddedVault

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'registratur-'))
  dataDir = join(root, 'data')
  to = join(root, 'backup')
  ;({ table, staging, vault } = await openArchive(dataDir))
})
afterEach(async () => {
  await table.close()
  await rm(root, { recursive: true })
})

let filed = 0
/** What filing a document leaves, as far as a backup cares. */
async function file(bytes = content()): Promise<VaultRef> {
  const n = ++filed
  const ticket = ticketFor(bytes, { id: `upl_${n}` })
  const { url } = await staging.uploadUrl(ticket)
  const { contentType, size, sha256 } = ticket
  const body = new Blob([Uint8Array.from(bytes)]).stream()
  await staging.receive(url.split('/').at(-1) ?? '', { method: 'PUT', contentType, contentLength: `${size}`, body })
  const key = `customers/CUS-0001/doc_${n}/upl_${n}`
  const ref = { key, ...(await vault.adopt(ticket.id, key, { documentId: `doc_${n}`, version: 1, sha256 })) }
  await table.transact([insert(keys.version('CUS-0001', `doc_${n}`, 1), { vault: ref, sha256 })])
  return ref
}

const restored = async <T>(use: (archive: Awaited<ReturnType<typeof openArchive>>) => Promise<T>): Promise<T> => {
  const archive = await openArchive(join(root, 'restored'))
  try {
    return await use(archive)
  } finally {
    await archive.table.close()
  }
}

describe('backup', () => {
  it('brings back everything as it was', async () => {
    const bytes = [content(0), content(1), content(600_000)]
    const refs: VaultRef[] = []
    for (const each of bytes) refs.push(await file(each))
    await vault.hold(refs[1] as VaultRef, true)
    await table.next('customers')
    const manifest = await backup({ dataDir, to, now: () => new Date('2026-01-02T03:04:05Z') })
    expect(manifest.createdAt).toBe('2026-01-02T03:04:05.000Z')
    expect(manifest.files.map(({ path }) => path)).toEqual(manifest.files.map(({ path }) => path).toSorted())
    expect(manifest.files.map(({ path }) => path)).toEqual(expect.arrayContaining(['archive.db', 'keys/url.key']))
    expect(await verifyBackup(to)).toMatchObject({ createdAt: manifest.createdAt, versions: 3, files: 8, problems: [] })

    await restore({ from: to, dataDir: join(root, 'restored') })
    await restored(async (archive) => {
      expect(await queryAll(archive.table, { pk: 'customer#CUS-0001' })).toEqual(
        await queryAll(table, { pk: 'customer#CUS-0001' }),
      )
      expect(await archive.table.next('customers')).toBe(2)
      expect(archive.table.integrityCheck()).toEqual([])
      for (const [n, ref] of refs.entries()) {
        expectSame(await bytesOf(await archive.vault.get(ref)), bytes[n] as Uint8Array)
        expect(await archive.vault.head(ref)).toEqual(await vault.head(ref))
      }
      const url = await vault.downloadUrl(refs[0] as VaultRef, {
        ...{ method: 'GET', fileName: 'a', contentType: 'text/plain', disposition: 'inline', expiresAt: inMinutes(1) },
      })
      const download = await archive.vault.openSigned(url.split('/').at(-1) ?? '', 'GET')
      expect(download.head.versionId).toBe(refs[0]?.versionId)
    })
  })

  it('keeps to itself what it holds', async () => {
    await file()
    await backup({ dataDir, to })
    expect((await stat(to)).mode & 0o777).toBe(0o700)
    for (const path of ['archive.db', 'keys/url.key', 'manifest.json']) {
      expect((await stat(join(to, path))).mode & 0o077).toBe(0)
    }
    expect((await readdir(to)).toSorted()).toEqual(['archive.db', 'keys', 'manifest.json', 'vault'])
  })

  it('has bytes of its own', async () => {
    const ref = await file()
    await backup({ dataDir, to })
    const path = join('vault', ref.key, `${ref.versionId}.bin`)
    await chmod(join(dataDir, path), 0o600)
    await appendFile(join(dataDir, path), 'tampered')
    expect((await verifyBackup(to)).problems).toEqual([])
  })

  it('is consistent while the archive is written', async () => {
    let writing = true
    const writer = (async () => {
      while (writing) await Promise.all([file(content(5000)), table.next('busy')])
    })()
    try {
      for (let n = 0; n < 3; n += 1) {
        const target = `${to}${n}`
        await backup({ dataDir, to: target })
        const { problems, versions } = await verifyBackup(target)
        expect(problems).toEqual([])
        expect(versions).toBeGreaterThanOrEqual(n)
      }
    } finally {
      writing = false
      await writer
    }
  })

  it('leaves out what is unfinished', async () => {
    await file()
    await writeFile(join(dataDir, 'vault', '.incoming', 'half'), 'x')
    const { files } = await backup({ dataDir, to })
    expect(files.filter(({ path }) => path.includes('half'))).toEqual([])
  })

  it('does not look whole when it is not', async () => {
    const ref = await file()
    await unlink(join(dataDir, 'vault', ref.key, `${ref.versionId}.bin`))
    await expect(backup({ dataDir, to })).rejects.toMatchObject({ code: 'backup-incomplete' })
    expect(await readdir(root)).toEqual(['data'])
  })

  it('takes over where an interrupted one left off', async () => {
    await file()
    await mkdir(`${to}.partial/vault`, { recursive: true })
    await writeFile(`${to}.partial/vault/old`, 'x')
    await expect(verifyBackup(`${to}.partial`)).rejects.toMatchObject({ code: 'not-a-backup' })
    await backup({ dataDir, to })
    expect((await verifyBackup(to)).problems).toEqual([])
  })

  it('overwrites nothing, and copies only archives', async () => {
    await mkdir(to)
    await backup({ dataDir, to })
    await expect(backup({ dataDir, to })).rejects.toMatchObject({ code: 'target-not-empty' })
    await expect(backup({ dataDir, to: join(dataDir, 'vault', 'x') })).rejects.toMatchObject({
      code: 'target-not-empty',
    })
    await expect(backup({ dataDir: join(root, 'none'), to: `${to}2` })).rejects.toMatchObject({
      code: 'not-an-archive',
    })
    expect((await verifyBackup(to)).problems).toEqual([])
  })
})

describe('verifying and restoring', () => {
  let ref: VaultRef
  let bytesPath: string
  beforeEach(async () => {
    ref = await file()
    await backup({ dataDir, to })
    bytesPath = `vault/${ref.key}/${ref.versionId}.bin`
  })

  it.each<[string, () => Promise<void>, RegExp]>([
    ['changed bytes', () => damage(bytesPath), /upl_\d+\/ver_\w+\.bin differs/],
    ['missing bytes', () => unlink(join(to, bytesPath)), /\.bin is missing/],
    ['a changed lock', () => damage(bytesPath.replace('.bin', '.json')), /\.json differs/],
    ['a changed key', () => damage('keys/url.key'), /url\.key differs/],
    ['a changed table', () => damage('archive.db'), /archive\.db differs/],
    ['something added', () => writeFile(join(to, 'vault', 'added.bin'), 'x'), /added\.bin is not in the manifest/],
  ])('finds %s, and does not restore it', async (_name, change, problem) => {
    await change()
    const { problems } = await verifyBackup(to)
    expect(problems.join('\n')).toMatch(problem)
    await expect(restore({ from: to, dataDir: join(root, 'new') })).rejects.toMatchObject({ code: 'backup-damaged' })
    expect((await readdir(root)).toSorted()).toEqual(['backup', 'data'])
  })

  it('finds bytes that are not those of the row, though the manifest agrees', async () => {
    const manifestPath = join(to, 'manifest.json')
    const manifest = JSON.parse(await readFile(manifestPath, 'utf8'))
    await damage(bytesPath)
    const { createHash } = await import('node:crypto')
    const sha256 = createHash('sha256')
      .update(await readFile(join(to, bytesPath)))
      .digest('hex')
    for (const file of manifest.files) if (file.path === bytesPath) file.sha256 = sha256
    await writeFile(manifestPath, JSON.stringify(manifest))
    expect((await verifyBackup(to)).problems).toEqual([expect.stringMatching(/is not what was filed/)])
  })

  it('refuses what is no backup', async () => {
    await truncate(join(to, 'manifest.json'), 20)
    await expect(verifyBackup(to)).rejects.toMatchObject({ code: 'not-a-backup' })
    await writeFile(
      join(to, 'manifest.json'),
      '{"format":1,"createdAt":"","files":[{"path":"../x","size":0,"sha256":""}]}',
    )
    await expect(verifyBackup(to)).rejects.toMatchObject({ code: 'not-a-backup' })
    await expect(verifyBackup(join(root, 'none'))).rejects.toMatchObject({ code: 'not-a-backup' })
  })

  it('restores over nothing', async () => {
    await expect(restore({ from: to, dataDir })).rejects.toMatchObject({ code: 'target-not-empty' })
    await mkdir(join(root, 'empty'))
    expect((await restore({ from: to, dataDir: join(root, 'empty') })).versions).toBe(1)
  })

  async function damage(path: string): Promise<void> {
    const bytes = await readFile(join(to, path))
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1
    await chmod(join(to, path), 0o600)
    await writeFile(join(to, path), bytes)
  }
})
