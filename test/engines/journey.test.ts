import { createApiKey } from '@registratur/core/api-key'
import { setUp } from '@registratur/core/staff'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { type Json, sha256, someBytes } from '../kit.ts'
import { type EngineArchive, openArchive } from './archive.ts'
import { startLaggingIndex } from './lagging-index.ts'
import type { Engine } from './process.ts'

const [dynamodb, s3] = [inject('dynamodb'), inject('s3')]
const URL = 'https://archive.example'
const ANNA = 'anna@kunde-a.example'
const BERT = 'bert@kunde-b.example'

describe.skipIf(!dynamodb || !s3)('the archive on AWS’s protocols', () => {
  let archive: EngineArchive
  let index: Engine
  let key: string
  let cookie = ''

  beforeAll(async () => {
    if (!dynamodb || !s3) throw new Error('no engine')
    // Nothing of this needs the index: it shows nothing all the while.
    index = await startLaggingIndex(dynamodb, Number.POSITIVE_INFINITY)
    archive = await openArchive({ dynamodb, s3, url: URL, table: index.url })
    const administrator = { name: 'Ada', email: 'ada@archive.example', company: 'Test GmbH', language: 'en' as const }
    await setUp(archive.aws.context(), administrator)
    key = (await createApiKey(archive.aws.context(), { name: 'journey', roles: ['administrator'] })).key
  })
  afterAll(async () => {
    await archive?.close()
    await index?.stop()
  })

  async function ask(method: string, path: string, body?: unknown, who: Record<string, string> = {}) {
    const headers = { ...(body ? { 'content-type': 'application/json' } : {}), ...who }
    const request = new Request(`${URL}${path}`, { method, headers, body: body ? JSON.stringify(body) : null })
    const response = await archive.fetch(request)
    const text = await response.text()
    const json = (response.headers.get('content-type') ?? '').includes('json')
    return { status: response.status, body: (json ? JSON.parse(text) : text) as Json, headers: response.headers }
  }
  const machine = () => ({ authorization: `Bearer ${key}` })
  const api = async (method: string, path: string, body?: unknown) => {
    const answer = await ask(method, `/api${path}`, body, machine())
    if (answer.status >= 400) throw new Error(JSON.stringify(answer.body))
    return answer.body
  }

  async function file(customerId: string, bytes: Uint8Array, more: object = {}): Promise<Json> {
    const { items } = await api('GET', `/customers/${customerId}/folders`)
    const folderId = items.find(({ name }: Json) => name === 'Invoices').id
    const upload = { fileName: 'Rechnung Größe.pdf', size: bytes.length, sha256: sha256(bytes) }
    const { uploadId, url, headers } = await api('POST', '/uploads', { ...upload, contentType: 'application/pdf' })
    const put = await fetch(url, { method: 'PUT', headers, body: Uint8Array.from(bytes) })
    expect(put.status, await put.text()).toBe(200)
    const fields = { uploadId, folderId, recordClass: 'invoice', title: 'Invoice 1', documentDate: '2026-03-05' }
    return api('POST', `/customers/${customerId}/documents`, { ...fields, ...more })
  }

  async function signIn(email: string): Promise<string> {
    const earlier = archive.sent.length
    await ask('POST', '/api/auth/email-otp/send-verification-otp', { email, type: 'sign-in' }, { origin: URL })
    const code = await vi.waitFor(
      () => {
        const mail = archive.sent.slice(earlier).find(({ to, text }) => to === email && /^\d{8}$/m.test(text))
        if (!mail) throw new Error('no code yet')
        return mail.text.match(/^\d{8}$/m)?.[0]
      },
      { timeout: 20_000 },
    )
    const answer = await ask('POST', '/api/auth/sign-in/email-otp', { email, otp: code }, { origin: URL })
    expect(answer.status).toBe(200)
    expect(answer.headers.getSetCookie().join()).toMatch(/Secure/)
    return cookiesOf(answer.headers)
  }

  const bytes = someBytes(200_000)
  let document: Json
  let path: string

  it('answers only through the edge', async () => {
    const direct = await archive.fetchDirectly(new Request(`${URL}/api/health`))
    expect(direct.status).toBe(403)
    expect((await ask('GET', '/api/health')).status).toBe(200)
  })

  it('files, versions and finalises; the lock follows', async () => {
    const customer = await api('POST', '/customers', { type: 'company', name: 'Kunden AG' })
    document = await file(customer.id, bytes, { final: true })
    path = `/customers/${customer.id}/documents/${document.id}`
    expect(document).toMatchObject({ status: 'final', sha256: sha256(bytes) })
    const { items } = await api('GET', `/customers/${customer.id}/journal`)
    for (const { requestId } of items) expect(requestId).toMatch(/^cf-[\w-]+==$/)
    await archive.quiet()
    const [object] = (await archive.aws.vault.list(`customers/${customer.id}/`)).items
    expect(object).toBeDefined()
    expect((await archive.aws.vault.head(object as never))?.lockUntil).toBe('2034-12-31T23:00:00.000Z')
  })

  it('shares with a contact, who signs in by a code sent through SES and reads', async () => {
    const contact = { firstName: 'Anna', lastName: 'A', email: ANNA }
    const anna = await api('POST', `/customers/${document.customerId}/contacts`, contact)
    const grant = { contactId: anna.id, documentId: document.id, permission: 'download', confirm: true }
    await api('POST', `/customers/${document.customerId}/grants`, grant)

    cookie = await signIn(ANNA)
    const seen = await ask('GET', `/api${path}`, undefined, { cookie })
    expect(seen).toMatchObject({ status: 200, body: { id: document.id } })
    const link = await ask('GET', `/api${path}/versions/1/content`, undefined, { cookie })
    expect(link.status).toBe(302)
    const read = await fetch(link.headers.get('location') ?? '')
    expect(read.headers.get('content-disposition')).toContain('attachment')
    expect(sha256(new Uint8Array(await read.arrayBuffer()))).toBe(document.sha256)
    const head = await ask('HEAD', `/api${path}/versions/1/content`, undefined, { cookie })
    expect((await fetch(head.headers.get('location') ?? '', { method: 'HEAD' })).status).toBe(200)
  })

  it('renders the portal, and allows it the buckets', async () => {
    const page = await ask('GET', `/portal/${document.customerId}/documents/${document.id}`, undefined, { cookie })
    expect(page.status).toBe(200)
    expect(page.body).toContain('Invoice 1')
    expect(page.headers.get('content-security-policy')).toContain(s3?.url)
  })

  it('answers a contact of another customer as if nothing existed', async () => {
    const other = await api('POST', '/customers', { type: 'company', name: 'Andere GmbH' })
    const contact = { firstName: 'Bert', lastName: 'B', email: BERT }
    await api('POST', `/customers/${other.id}/contacts`, contact)
    const foreign = { cookie: await signIn(BERT) }
    for (const each of [path, `${path}/versions`, `${path}/versions/1/content`]) {
      expect((await ask('GET', `/api${each}`, undefined, foreign)).status, each).toBe(404)
    }
  })

  it('merges by a job of the stream', async () => {
    const [from, into] = [
      await api('POST', '/customers', { type: 'company', name: 'Doppelt GmbH' }),
      await api('POST', '/customers', { type: 'company', name: 'Doppelt AG' }),
    ]
    const moved = await file(from.id, someBytes())
    await api('POST', `/customers/${from.id}/merge`, { into: into.id })
    await archive.quiet()
    expect(await api('GET', `/customers/${into.id}/documents/${moved.id}`)).toMatchObject({ customerId: into.id })
  })

  it('leaves no job behind, and sweeps without harm', async () => {
    await archive.quiet()
    await archive.schedule()
    await archive.sweep()
    for (const shard of '0123456789abcdef') {
      const { items } = await archive.aws.table.query({ pk: `job#${shard}` })
      // What rolls on is due later.
      for (const { sk } of items) expect(sk > new Date().toISOString()).toBe(true)
    }
    expect((await ask('GET', `/api${path}/versions/1/content`, undefined, machine())).status).toBe(302)
  })
})

const cookiesOf = (headers: Headers) =>
  headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
