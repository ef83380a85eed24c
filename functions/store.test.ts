import { mkdtemp, rm } from 'node:fs/promises'
import { request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { serve } from '@hono/node-server'
import { stagingContract } from '@registratur/core/contract/staging'
import {
  adopt,
  bytesOf,
  content,
  expectSame,
  inMinutes,
  put,
  type Store,
  ticketFor,
} from '@registratur/core/contract/store'
import { vaultContract } from '@registratur/core/contract/vault'
import type { DownloadOptions } from '@registratur/core/ports'
import { openStaging } from '@registratur/embedded/staging'
import { openVault } from '@registratur/embedded/vault'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { onError } from './errors.ts'
import { storeRoutes } from './store.ts'

/** The embedded store behind a real server. */
async function open(): Promise<Store & { origin: string }> {
  const dataDir = await mkdtemp(join(tmpdir(), 'registratur-'))
  const app = new Hono()
  app.onError(onError)
  const server = await new Promise<ReturnType<typeof serve>>((resolve) => {
    const starting = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(starting))
  })
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const staging = await openStaging({ dataDir, baseUrl: origin })
  const vault = await openVault({ dataDir, baseUrl: origin, staging, pageSize: 3 })
  app.route('/store', storeRoutes({ staging, vault }))
  const close = async () => {
    await new Promise((resolve) => server.close(resolve))
    await rm(dataDir, { recursive: true })
  }
  return { staging, vault, fetch: (sent) => fetch(sent), close, origin }
}

describe('embedded store', () => {
  stagingContract(open)
  vaultContract(open)
})

describe('only the embedded store', () => {
  let store: Store & { origin: string }
  beforeAll(async () => {
    store = await open()
  })
  afterAll(() => store?.close())

  const options = (more: Partial<DownloadOptions> = {}): DownloadOptions => ({
    method: 'GET',
    fileName: 'a.pdf',
    contentType: 'application/pdf',
    disposition: 'attachment',
    expiresAt: inMinutes(1),
    ...more,
  })

  it('says what was wrong with an upload', async () => {
    const bytes = content()
    const ticket = ticketFor(bytes)
    const signed = await store.staging.uploadUrl(ticket)
    const answer = async (sent: Request) => {
      const response = await store.fetch(sent)
      expect(response.headers.get('content-type')).toBe('application/problem+json')
      return [response.status, ((await response.json()) as { code: string }).code]
    }
    const send = (url: string, body: Uint8Array<ArrayBuffer>, headers = signed.headers) =>
      answer(new Request(url, { method: 'PUT', body, headers }))
    expect(await send(signed.url, content())).toEqual([400, 'upload-mismatch'])
    expect(await send(signed.url, bytes.slice(1) as Uint8Array<ArrayBuffer>)).toEqual([400, 'upload-mismatch'])
    expect(await send(`${store.origin}/store/staging/x.y`, content())).toEqual([403, 'invalid-url'])
    const past = await store.staging.uploadUrl({ ...ticket, expiresAt: inMinutes(-1) })
    expect(await send(past.url, content())).toEqual([403, 'url-expired'])
    expect(await store.staging.head(ticket.id)).toBeUndefined()
    await put(store, signed, bytes)
    expect(await store.staging.head(ticket.id)).toEqual({ size: bytes.length, sha256: ticket.sha256 })
  })

  it('refuses a body without a length', async () => {
    const bytes = content()
    const signed = await store.staging.uploadUrl(ticketFor(bytes))
    const status = await new Promise((resolve, reject) => {
      const chunked = request(signed.url, { method: 'PUT', headers: signed.headers }, (response) => {
        response.resume()
        resolve(response.statusCode)
      })
      chunked.on('error', reject)
      chunked.write(bytes)
      chunked.end()
    })
    expect(status).toBe(400)
  })

  it('forgets an upload that breaks off', async () => {
    const bytes = content(100_000)
    const ticket = ticketFor(bytes)
    const signed = await store.staging.uploadUrl(ticket)
    await new Promise<void>((resolve) => {
      const broken = request(signed.url, {
        method: 'PUT',
        headers: { ...signed.headers, 'content-length': bytes.length },
      })
      broken.on('error', () => resolve())
      broken.write(bytes.slice(0, 50_000), () => broken.destroy(new Error('gone')))
    })
    expect(await store.staging.head(ticket.id)).toBeUndefined()
    expect((await put(store, signed, bytes)).ok).toBe(true)
    expectSame(await bytesOf(await store.staging.read(ticket.id)), bytes)
  })

  it('confines what it serves', async () => {
    const ref = await adopt(store, content())
    const headers = async (more: Partial<DownloadOptions>) => {
      const response = await store.fetch(new Request(await store.vault.downloadUrl(ref, options(more))))
      await response.arrayBuffer()
      return Object.fromEntries(response.headers)
    }
    expect(await headers({})).toMatchObject({
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-store',
      'cross-origin-resource-policy': 'same-origin',
      'accept-ranges': 'bytes',
      etag: `"${ref.meta.sha256}"`,
    })
    const inline = await headers({ disposition: 'inline' })
    expect(inline['content-security-policy']).toBe("default-src 'none'")
    const html = await headers({ disposition: 'inline', contentType: 'text/html' })
    expect(html['content-security-policy']).toBe("default-src 'none'; sandbox")
  })

  it.each([
    ['bytes=0-1,3-4', undefined, 200],
    ['bytes=5-2', undefined, 200],
    ['bytes=-', undefined, 200],
    ['lines=1-2', undefined, 200],
    ['bytes=-0', undefined, 416],
    ['bytes=0-1', '"another"', 200],
  ])('answers Range %s, If-Range %s with %i', async (range, ifRange, status) => {
    const bytes = content()
    const ref = await adopt(store, bytes)
    const headers: Record<string, string> = { range, ...(ifRange && { 'if-range': ifRange }) }
    const response = await store.fetch(new Request(await store.vault.downloadUrl(ref, options()), { headers }))
    expect(response.status).toBe(status)
    const body = new Uint8Array(await response.arrayBuffer())
    if (status === 200) expectSame(body, bytes)
  })

  it('serves what is empty, and ranges of one version', async () => {
    const empty = await adopt(store, new Uint8Array())
    const response = await store.fetch(new Request(await store.vault.downloadUrl(empty, options())))
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0])
    const bytes = content()
    const ref = await adopt(store, bytes)
    const headers = { range: 'bytes=1-3', 'if-range': `"${ref.meta.sha256}"` }
    const part = await store.fetch(new Request(await store.vault.downloadUrl(ref, options()), { headers }))
    expect(part.status).toBe(206)
    expectSame(new Uint8Array(await part.arrayBuffer()), bytes.slice(1, 4))
  })

  it('breaks off a download that nobody reads on', async () => {
    const ref = await adopt(store, content(5_000_000))
    const url = await store.vault.downloadUrl(ref, options())
    for (let n = 0; n < 5; n += 1) {
      const response = await store.fetch(new Request(url))
      const reader = response.body?.getReader()
      await reader?.read()
      await reader?.cancel()
    }
    expect((await store.fetch(new Request(url, { headers: { range: 'bytes=0-0' } }))).status).toBe(206)
  })
})
