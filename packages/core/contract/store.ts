import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { expect } from 'vitest'
import { ArchiveError } from '../errors.ts'
import type { SignedRequest, Staging, UploadTicket, Vault, VaultMeta, VaultRef } from '../ports.ts'

/** Staging and vault belong together: one adopts what the other received. */
export interface Store {
  staging: Staging
  vault: Vault
  /** Sends a request to a signed URL. */
  fetch(request: Request): Promise<Response>
  close(): Promise<void>
}

/** An upload that is valid for an hour. */
export function ticketFor(bytes: Uint8Array, more: Partial<UploadTicket> = {}): UploadTicket {
  return {
    id: `upl_${randomUUID()}`,
    size: bytes.length,
    sha256: sha256(bytes),
    contentType: 'application/pdf',
    expiresAt: inMinutes(60),
    ...more,
  }
}

/** Send bytes to a signed upload URL as a client would. */
export async function put(
  store: Store,
  { url, headers }: SignedRequest,
  bytes: Uint8Array,
  more = {},
): Promise<Response> {
  const length = { 'content-length': String(bytes.length) }
  const body = bytes.length ? Uint8Array.from(bytes) : null
  const response = await store.fetch(
    new Request(url, { method: 'PUT', headers: { ...headers, ...length, ...more }, body }),
  )
  await response.arrayBuffer()
  return response
}

export async function stage(store: Store, bytes: Uint8Array): Promise<UploadTicket> {
  const ticket = ticketFor(bytes)
  const response = await put(store, await store.staging.uploadUrl(ticket), bytes)
  expect(response.ok, `PUT answered ${response.status}`).toBe(true)
  return ticket
}

export async function adopt(store: Store, bytes: Uint8Array, key = newKey()): Promise<VaultRef & { meta: VaultMeta }> {
  const ticket = await stage(store, bytes)
  const meta = { documentId: `doc_${randomUUID()}`, version: 3, sha256: ticket.sha256 }
  return { key, meta, ...(await store.vault.adopt(ticket.id, key, meta)) }
}

export const newKey = () => `customers/CUS-0001/${randomUUID()}/upl_1`

export const content = (size = 1000) => new Uint8Array(randomBytes(size))

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** An instant from now, without fractions of a second: stores may drop them. */
export function inMinutes(minutes: number): string {
  return new Date(Math.floor(Date.now() / 1000) * 1000 + minutes * 60_000).toISOString()
}

export async function bytesOf(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  return new Uint8Array(await new Response(stream as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer())
}

/** Fails without printing megabytes. */
export function expectSame(actual: Uint8Array, expected: Uint8Array): void {
  expect([actual.length, sha256(actual)]).toEqual([expected.length, sha256(expected)])
}

export async function refuses(attempt: Promise<unknown>, code: string): Promise<void> {
  const error = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(ArchiveError)
  expect((error as ArchiveError).code).toBe(code)
}

/** The same URL with one character changed. */
export function forged(url: string): string {
  const at = url.length - 6
  return url.slice(0, at) + (url[at] === 'a' ? 'b' : 'a') + url.slice(at + 1)
}
