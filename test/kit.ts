import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Role } from '@registratur/core/actor'
import { createApiKey } from '@registratur/core/api-key'
import { setUp } from '@registratur/core/staff'
import { type Archive, openArchive } from '@registratur/functions/embedded'
import { vi } from 'vitest'

const URL = 'http://localhost:4321'

// biome-ignore lint/suspicious/noExplicitAny: tests read answers of many shapes and assert what they find.
export type Json = any

export interface Answer {
  status: number
  body: Json
  headers: Headers
}

export interface Who {
  key?: string
  cookie?: string
}

/** An archive in a temporary folder, and what a test says to it over HTTP. */
export async function openTestArchive({ clock }: { clock?: () => Date } = {}) {
  const dataDir = await mkdtemp(join(tmpdir(), 'registratur-'))
  const archive: Archive = await openArchive({ dataDir, url: URL, clock })
  const administrator = {
    name: 'Ada Admin',
    email: 'ada@archive.example',
    company: 'Test GmbH',
    language: 'en' as const,
  }
  await setUp(archive.context(), administrator)
  const keyFor = async (role: Role) => (await createApiKey(archive.context(), { name: role, roles: [role] })).key
  const key = await keyFor('administrator')

  async function ask(method: string, path: string, body?: unknown, who: Who = { key }, more = {}): Promise<Answer> {
    const headers: Record<string, string> = { ...more }
    if (who.key) headers.authorization = `Bearer ${who.key}`
    if (who.cookie) headers.cookie = who.cookie
    if (body !== undefined) headers['content-type'] ??= 'application/json'
    const payload = body === undefined || typeof body === 'string' ? body : JSON.stringify(body)
    const response = await archive.app.request(`${URL}${path}`, { method, headers, body: payload })
    const text = await response.text()
    const json = (response.headers.get('content-type') ?? '').includes('json')
    return { status: response.status, body: json ? JSON.parse(text) : text, headers: response.headers }
  }

  /** Announce and put bytes; the upload's id. */
  async function upload(
    bytes: Uint8Array,
    fileName = 'paper.pdf',
    who?: Who,
    contentType = 'application/pdf',
  ): Promise<string> {
    const announced = await ask(
      'POST',
      '/api/uploads',
      { fileName, size: bytes.length, contentType, sha256: sha256(bytes) },
      who,
    )
    if (announced.status !== 201) throw new Error(JSON.stringify(announced.body))
    const { uploadId, url, headers } = announced.body
    const put = await archive.app.request(url, {
      method: 'PUT',
      headers: { ...headers, 'content-length': String(bytes.length) },
      body: new Uint8Array(bytes),
    })
    if (!put.ok) throw new Error(await put.text())
    return uploadId
  }

  async function customer(name = 'Muster GmbH'): Promise<Json> {
    return (await ask('POST', '/api/customers', { type: 'company', name })).body
  }

  async function folderOf(customerId: string, name = 'Invoices'): Promise<Json> {
    const { body } = await ask('GET', `/api/customers/${customerId}/folders`)
    return body.items.find((folder: Json) => folder.name === name)
  }

  async function file(customerId: string, folderId: string, bytes: Uint8Array, more: object = {}): Promise<Json> {
    const uploadId = await upload(bytes)
    const input = { uploadId, folderId, recordClass: 'invoice', title: 'Invoice', documentDate: '2026-03-05', ...more }
    const { status, body } = await ask('POST', `/api/customers/${customerId}/documents`, input)
    if (status !== 201) throw new Error(JSON.stringify(body))
    return body
  }

  /** Ask for a code, read it from the outbox, sign in. */
  async function signIn(email: string): Promise<Who> {
    const before = new Set(await mails())
    await ask('POST', '/api/auth/email-otp/send-verification-otp', { email, type: 'sign-in' }, {})
    const code = await vi.waitFor(async () => {
      for (const name of (await mails()).filter((each) => !before.has(each))) {
        const mail = await readFile(join(archive.outbox, name), 'utf8')
        const [found] = mail.includes(email) ? (mail.match(/^\d{8}$/m) ?? []) : []
        if (found) return found
      }
      throw new Error('no code yet')
    })
    const answer = await ask('POST', '/api/auth/sign-in/email-otp', { email, otp: code }, {})
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body))
    return { cookie: cookiesOf(answer.headers) }
  }

  const mails = () => readdir(archive.outbox).catch(() => [] as string[])

  /** The bytes behind a content link, as a client gets them. */
  async function download(path: string, who?: Who): Promise<{ status: number; bytes: Buffer; headers: Headers }> {
    const link = await ask('GET', path, undefined, who)
    const location = link.headers.get('location')
    if (link.status !== 302 || !location) return { status: link.status, bytes: Buffer.alloc(0), headers: link.headers }
    const response = await archive.app.request(location)
    return { status: response.status, bytes: Buffer.from(await response.arrayBuffer()), headers: response.headers }
  }

  async function close(): Promise<void> {
    await archive.close()
    await rm(dataDir, { recursive: true, force: true })
  }

  return {
    archive,
    dataDir,
    key,
    administrator,
    keyFor,
    ask,
    upload,
    customer,
    folderOf,
    file,
    signIn,
    mails,
    download,
    close,
  }
}

export type TestArchive = Awaited<ReturnType<typeof openTestArchive>>

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

export const someBytes = (size = 1000) => new Uint8Array(randomBytes(size))

const cookiesOf = (headers: Headers) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
