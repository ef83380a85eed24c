import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { link, mkdir, open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ArchiveError } from '@registratur/core/errors'
import { codeOf, nothingIfMissing, syncFolder } from './files.ts'

/** What a signed URL allows. */
export interface Permit {
  /** Only a URL signed for a method may be used with it. */
  method: 'GET' | 'HEAD' | 'PUT'
  /** Unix milliseconds. */
  expires: number
}

export interface Signer {
  sign(permit: Permit): string
  /** @throws {ArchiveError} `invalid-url` | `url-expired` */
  verify<T extends Permit>(token: string, method: string, now: Date): T
}

/** Signs with the key in `<data>/keys/url.key`, which is made when there is none. */
export async function openSigner(dataDir: string): Promise<Signer> {
  const key = await openKey(join(dataDir, 'keys'), 'url.key')
  const mac = (payload: string) => createHmac('sha256', key).update(payload).digest()

  return {
    sign(permit) {
      const payload = Buffer.from(JSON.stringify(permit)).toString('base64url')
      return `${payload}.${mac(payload).toString('base64url')}`
    },

    verify<T extends Permit>(token: string, method: string, now: Date): T {
      const [payload = '', signature = '', ...rest] = token.split('.')
      const given = Buffer.from(signature, 'base64url')
      const expected = mac(payload)
      const genuine = given.length === expected.length && timingSafeEqual(given, expected) && !rest.length
      const permit = genuine && (JSON.parse(Buffer.from(payload, 'base64url').toString()) as T)
      if (!permit || permit.method !== method) {
        throw new ArchiveError('forbidden', 'invalid-url', 'This link is not valid. Open the document again.')
      }
      if (permit.expires <= now.getTime()) {
        throw new ArchiveError('forbidden', 'url-expired', 'This link has expired. Open the document again.')
      }
      return permit
    },
  }
}

/** Two processes that start at once agree on one key: it appears under its name whole, and only once. */
export async function openKey(folder: string, name: string): Promise<Buffer> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, name)
  const existing = await readFile(path).catch(nothingIfMissing(undefined))
  if (existing?.length === 32) return existing
  const candidate = join(folder, `.${name}.${randomBytes(8).toString('hex')}`)
  const file = await open(candidate, 'wx', 0o600)
  try {
    await file.writeFile(randomBytes(32))
    await file.sync()
    await link(candidate, path)
    await syncFolder(folder)
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await file.close()
    await rm(candidate, { force: true })
  }
  const key = await readFile(path)
  if (key.length !== 32)
    throw new Error(`${path} is damaged: restore it from a backup, or remove it to make a new one.`)
  return key
}
