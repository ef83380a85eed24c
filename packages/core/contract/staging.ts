import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bytesOf, content, expectSame, forged, inMinutes, put, refuses, type Store, stage, ticketFor } from './store.ts'

/** What every staging area promises. */
export function stagingContract(open: () => Promise<Store>): void {
  describe('staging', { timeout: 60_000 }, () => {
    let store: Store
    beforeAll(async () => {
      store = await open()
    })
    afterAll(() => store?.close())

    it.each([0, 1, 1000, 3_000_000])('takes exactly the bytes announced (%i)', async (size) => {
      const bytes = content(size)
      const ticket = ticketFor(bytes)
      const request = await store.staging.uploadUrl(ticket)
      expect(request).toMatchObject({ method: 'PUT', expiresAt: ticket.expiresAt })
      expect(await store.staging.head(ticket.id)).toBeUndefined()

      expect((await put(store, request, bytes)).ok).toBe(true)
      const head = await store.staging.head(ticket.id)
      expect(head?.size).toBe(size)
      // A store that does not verify hashes does not claim one.
      expect([undefined, ticket.sha256]).toContain(head?.sha256)
      expectSame(await bytesOf(await store.staging.read(ticket.id)), bytes)
    })

    it('refuses fewer or more bytes', async () => {
      const bytes = content()
      for (const wrong of [bytes.slice(1), new Uint8Array([...bytes, 1]), new Uint8Array()]) {
        const ticket = ticketFor(bytes)
        const response = await put(store, await store.staging.uploadUrl(ticket), wrong)
        expect(response.status).toBeGreaterThanOrEqual(400)
        expect(await store.staging.head(ticket.id)).toBeUndefined()
      }
    })

    it('refuses other bytes, or does not vouch for them', async () => {
      const ticket = ticketFor(content())
      const response = await put(store, await store.staging.uploadUrl(ticket), content())
      const head = await store.staging.head(ticket.id)
      if (response.ok) expect(head).toEqual({ size: ticket.size })
      else expect(head).toBeUndefined()
    })

    it('refuses a URL that has expired', async () => {
      const bytes = content()
      const ticket = ticketFor(bytes, { expiresAt: inMinutes(-1) })
      const response = await put(store, await store.staging.uploadUrl(ticket), bytes)
      expect(response.status).toBe(403)
      expect(await store.staging.head(ticket.id)).toBeUndefined()
    })

    it('refuses a URL that was tampered with, and one used for another purpose', async () => {
      const bytes = content()
      const ticket = ticketFor(bytes)
      const request = await store.staging.uploadUrl(ticket)
      const tampered = await put(store, { ...request, url: forged(request.url) }, bytes)
      expect(tampered.status).toBeGreaterThanOrEqual(400)
      const otherType = await put(store, request, bytes, { 'content-type': 'text/html' })
      expect(otherType.status).toBe(403)
      for (const method of ['GET', 'HEAD', 'DELETE']) {
        const response = await store.fetch(new Request(request.url, { method }))
        await response.arrayBuffer()
        expect(response.status).toBeGreaterThanOrEqual(400)
      }
      expect(await store.staging.head(ticket.id)).toBeUndefined()
    })

    it('keeps what came last', async () => {
      const [first, second] = [content(500), content(700)]
      const ticket = ticketFor(first)
      const request = await store.staging.uploadUrl(ticket)
      for (let n = 0; n < 2; n += 1) expect((await put(store, request, first)).ok).toBe(true)
      expectSame(await bytesOf(await store.staging.read(ticket.id)), first)

      const again = await store.staging.uploadUrl({ ...ticketFor(second), id: ticket.id })
      expect((await put(store, again, second)).ok).toBe(true)
      expect((await store.staging.head(ticket.id))?.size).toBe(700)
      expectSame(await bytesOf(await store.staging.read(ticket.id)), second)
    })

    it('keeps what was whole when a later attempt fails', async () => {
      const bytes = content()
      const ticket = ticketFor(bytes)
      const request = await store.staging.uploadUrl(ticket)
      await put(store, request, bytes)
      expect((await put(store, request, bytes.slice(1))).ok).toBe(false)
      expectSame(await bytesOf(await store.staging.read(ticket.id)), bytes)
    })

    it('takes the same upload several times at once', async () => {
      const bytes = content(2_000_000)
      const ticket = ticketFor(bytes)
      const request = await store.staging.uploadUrl(ticket)
      const responses = await Promise.all(Array.from({ length: 5 }, () => put(store, request, bytes)))
      expect(responses.map(({ ok }) => ok)).toEqual([true, true, true, true, true])
      expectSame(await bytesOf(await store.staging.read(ticket.id)), bytes)
    })

    it('has nothing where nothing arrived', async () => {
      const { id } = ticketFor(content())
      expect(await store.staging.head(id)).toBeUndefined()
      await refuses(store.staging.read(id), 'upload-missing')
      await store.staging.remove(id)
    })

    it('forgets what is removed', async () => {
      const { id } = await stage(store, content())
      await store.staging.remove(id)
      expect(await store.staging.head(id)).toBeUndefined()
      await store.staging.remove(id)
    })

    it('forgets what is old', async () => {
      const [first, second] = [await stage(store, content()), await stage(store, content())]
      await store.staging.removeOlderThan(new Date(Date.now() - 3_600_000))
      expect(await store.staging.head(first.id)).toBeDefined()
      expect(await store.staging.removeOlderThan(new Date(Date.now() + 60_000))).toBeGreaterThanOrEqual(2)
      expect(await store.staging.head(first.id)).toBeUndefined()
      expect(await store.staging.head(second.id)).toBeUndefined()
    })
  })
}
