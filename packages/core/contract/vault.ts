import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { DownloadOptions, VaultObject, VaultRef } from '../ports.ts'
import {
  adopt,
  bytesOf,
  content,
  expectSame,
  forged,
  inMinutes,
  newKey,
  refuses,
  type Store,
  stage,
  ticketFor,
} from './store.ts'

const DAY_MINUTES = 24 * 60
/** Counted from one instant, so that the same number of days is the same instant throughout. */
const today = Date.parse(inMinutes(0))
const inDays = (days: number) => new Date(today + days * DAY_MINUTES * 60_000)

/**
 * What every vault promises. It leaves locked objects behind, some of them under COMPLIANCE: run it on a store that can
 * be thrown away. Opened with small pages for `list`, it shows that cursors work.
 */
export function vaultContract(open: () => Promise<Store>): void {
  describe('vault', { timeout: 60_000 }, () => {
    let store: Store
    beforeAll(async () => {
      store = await open()
    })
    afterAll(() => store?.close())

    describe('adopting', () => {
      it.each([0, 1, 1000, 3_000_000])('takes over staged bytes unchanged (%i)', async (size) => {
        const bytes = content(size)
        const { meta, ...ref } = await adopt(store, bytes)
        expectSame(await bytesOf(await store.vault.get(ref)), bytes)
        const head = await store.vault.head(ref)
        expect(head).toMatchObject({ ...ref, size, meta, held: false })
        expect(Math.abs(Date.parse(head?.createdAt ?? '') - Date.now())).toBeLessThan(120_000)
      })

      it('makes a new version each time, newest first', async () => {
        const key = newKey()
        const bytes = content()
        const ticket = await stage(store, bytes)
        const meta = { documentId: 'doc_1', version: 1, sha256: ticket.sha256 }
        const first = await store.vault.adopt(ticket.id, key, meta)
        const second = await store.vault.adopt(ticket.id, key, { ...meta, version: 2 })
        expect(first.versionId).not.toBe(second.versionId)
        const versions = await store.vault.versions(key)
        expect(versions.map(({ versionId }) => versionId)).toEqual([second.versionId, first.versionId])
        expect(versions[1]).toMatchObject({ key, size: bytes.length })
        expect((await store.vault.head({ key, ...first }))?.meta.version).toBe(1)
        expect((await store.vault.head({ key, ...second }))?.meta.version).toBe(2)
      })

      it('keeps its bytes when staging forgets or replaces them', async () => {
        const bytes = content()
        const ticket = await stage(store, bytes)
        const meta = { documentId: 'doc_1', version: 1, sha256: ticket.sha256 }
        const key = newKey()
        const ref = { key, ...(await store.vault.adopt(ticket.id, key, meta)) }
        await store.staging.remove(ticket.id)
        expectSame(await bytesOf(await store.vault.get(ref)), bytes)
      })

      it('adopts nothing that staging does not have', async () => {
        const { id, sha256 } = ticketFor(content())
        const key = newKey()
        await refuses(store.vault.adopt(id, key, { documentId: 'doc_1', version: 1, sha256 }), 'upload-missing')
        expect(await store.vault.versions(key)).toEqual([])
      })

      it('adopts many at once', async () => {
        const refs = await Promise.all(
          Array.from({ length: 20 }, async (_, n) => {
            const bytes = content(1000 + n)
            return { bytes, ref: await adopt(store, bytes) }
          }),
        )
        for (const { bytes, ref } of refs) expectSame(await bytesOf(await store.vault.get(ref)), bytes)
      })
    })

    describe('reading', () => {
      it('reads ranges, both ends included', async () => {
        const bytes = content(600_000)
        const ref = await adopt(store, bytes)
        for (const [start, end] of [
          [0, 0],
          [10, 19],
          [0, 599_999],
          [599_999, 599_999],
          [100_000, 500_000],
          [599_990, 700_000],
        ] as const) {
          expectSame(await bytesOf(await store.vault.get(ref, { start, end })), bytes.slice(start, end + 1))
        }
        await refuses(store.vault.get(ref, { start: 600_000, end: 600_001 }), 'range-not-satisfiable')
      })

      it('has nothing under other names', async () => {
        const ref = await adopt(store, content())
        const other = await adopt(store, content())
        for (const unknown of [
          { key: newKey(), versionId: ref.versionId },
          { key: ref.key, versionId: other.versionId },
          { key: ref.key, versionId: 'unknown' },
        ]) {
          expect(await store.vault.head(unknown)).toBeUndefined()
          await refuses(store.vault.get(unknown), 'object-not-found')
          await refuses(store.vault.extendLock(unknown, inDays(30), 'GOVERNANCE'), 'object-not-found')
          await refuses(store.vault.hold(unknown, true), 'object-not-found')
          await store.vault.destroy(unknown)
        }
        expect(await store.vault.versions(newKey())).toEqual([])
      })

      it('lists the versions of exactly one key', async () => {
        const key = newKey()
        const { versionId } = await adopt(store, content(), key)
        await adopt(store, content(), `${key}0`)
        await adopt(store, content(), `${key}/below`)
        expect((await store.vault.versions(key)).map((object) => object.versionId)).toEqual([versionId])
      })

      it('walks everything below a prefix in key order, exactly once', async () => {
        const root = newKey()
        const names = ['a', 'a-b/1', 'a/1', 'a/1', 'a/2', 'a0', 'b/c/d', 'b/c/e']
        const refs: VaultRef[] = []
        for (const name of names) refs.push(await adopt(store, content(), `${root}/${name}`))
        await adopt(store, content(), `${root}x/a`)
        const walk = async (prefix: string) => {
          const seen: VaultObject[] = []
          let after: string | undefined
          do {
            const page = await store.vault.list(prefix, after)
            seen.push(...page.items)
            after = page.after
          } while (after)
          return seen
        }
        const all = await walk(`${root}/`)
        expect(all.map(({ key }) => key)).toEqual(names.map((name) => `${root}/${name}`))
        expect(all.map(({ versionId }) => versionId).toSorted()).toEqual(refs.map((ref) => ref.versionId).toSorted())
        expect(all[0]).toMatchObject({ size: 1000, createdAt: expect.any(String) })
        expect((await walk(`${root}/a/`)).map(({ key }) => key)).toEqual(
          ['a/1', 'a/1', 'a/2'].map((name) => `${root}/${name}`),
        )
        expect((await walk(`${root}/b/c/d`)).map(({ key }) => key)).toEqual([`${root}/b/c/d`])
        expect(await walk(`${root}/none/`)).toEqual([])
      })
    })

    describe('download URLs', () => {
      const options: DownloadOptions = {
        method: 'GET',
        fileName: 'contract.pdf',
        contentType: 'application/pdf',
        disposition: 'attachment',
        expiresAt: inMinutes(5),
      }
      const bytes = content(50_000)
      let ref: VaultRef
      beforeAll(async () => {
        ref = await adopt(store, bytes)
      })
      const get = async (more: Partial<DownloadOptions> = {}, init: RequestInit = {}) => {
        const url = await store.vault.downloadUrl(ref, { ...options, expiresAt: inMinutes(5), ...more })
        return store.fetch(new Request(url, { method: more.method, ...init }))
      }

      it('give the bytes of their version', async () => {
        await adopt(store, content(), ref.key)
        const response = await get()
        expect(response.status).toBe(200)
        expect(response.headers.get('content-type')).toBe('application/pdf')
        expect(response.headers.get('content-length')).toBe('50000')
        expectSame(new Uint8Array(await response.arrayBuffer()), bytes)
      })

      it('answer HEAD without bytes', async () => {
        const response = await get({ method: 'HEAD' })
        expect(response.status).toBe(200)
        expect(response.headers.get('content-length')).toBe('50000')
        expect((await response.arrayBuffer()).byteLength).toBe(0)
      })

      it('work for their own method only', async () => {
        for (const [signed, used] of [
          ['GET', 'HEAD'],
          ['HEAD', 'GET'],
          ['GET', 'PUT'],
          ['GET', 'DELETE'],
        ] as const) {
          const response = await get({ method: signed }, { method: used })
          await response.arrayBuffer()
          expect(response.status, `${used} with a URL for ${signed}`).toBeGreaterThanOrEqual(400)
          if (used === 'HEAD' || used === 'GET') expect(response.status).toBe(403)
        }
        expect(await store.vault.head(ref)).toBeDefined()
      })

      it.each(['contract.pdf', 'Prüfbericht „Größe“ 100 % – naïve; "a\\b".pdf', "sözleşme 合同 😀 (1)'*.pdf"])(
        'name the file %s',
        async (fileName) => {
          for (const disposition of ['attachment', 'inline'] as const) {
            const response = await get({ fileName, disposition, contentType: 'text/plain' })
            await response.arrayBuffer()
            expect(response.headers.get('content-type')).toBe('text/plain')
            const header = response.headers.get('content-disposition') ?? ''
            expect(header).toMatch(
              new RegExp(`^${disposition}; filename="[ !#-\\[\\]-~]*"(; filename\\*=UTF-8''[\\w.!#$&+^\`|~%-]+)?$`),
            )
            const extended = /filename\*=UTF-8''(.*)$/.exec(header)?.[1]
            expect(extended === undefined ? /filename="(.*)"/.exec(header)?.[1] : decodeURIComponent(extended)).toBe(
              fileName,
            )
          }
        },
      )

      it.each([
        ['bytes=2-5', 2, 5],
        ['bytes=49990-', 49_990, 49_999],
        ['bytes=-10', 49_990, 49_999],
        ['bytes=0-99999', 0, 49_999],
      ])('give the range %s', async (range, start, end) => {
        const response = await get({}, { headers: { range } })
        expect(response.status).toBe(206)
        expect(response.headers.get('content-range')).toBe(`bytes ${start}-${end}/50000`)
        expectSame(new Uint8Array(await response.arrayBuffer()), bytes.slice(start, end + 1))
      })

      it('refuse a range beyond the end', async () => {
        const response = await get({}, { headers: { range: 'bytes=50000-' } })
        await response.arrayBuffer()
        expect(response.status).toBe(416)
      })

      it('stop working when they expire or are tampered with', async () => {
        const expired = await get({ expiresAt: inMinutes(-1) })
        await expired.arrayBuffer()
        expect(expired.status).toBe(403)
        const url = await store.vault.downloadUrl(ref, { ...options, expiresAt: inMinutes(5) })
        const tampered = await store.fetch(new Request(forged(url)))
        await tampered.arrayBuffer()
        expect(tampered.status).toBeGreaterThanOrEqual(400)
      })

      it('give nothing once their version is destroyed', async () => {
        const gone = await adopt(store, content())
        const url = await store.vault.downloadUrl(gone, { ...options, expiresAt: inMinutes(5) })
        await store.vault.destroy(gone, { bypass: true })
        const response = await store.fetch(new Request(url))
        await response.arrayBuffer()
        expect(response.status).toBe(404)
      })
    })

    describe('locks and holds', () => {
      const lockOf = async (ref: VaultRef) => {
        const { lockUntil, lockMode } = (await store.vault.head(ref)) ?? {}
        return { until: new Date(lockUntil ?? Number.NaN), mode: lockMode }
      }
      const seconds = (date: Date) => Math.floor(date.getTime() / 1000)

      it('locks for seven days at first', async () => {
        const { until, mode } = await lockOf(await adopt(store, content()))
        expect(mode).toBe('GOVERNANCE')
        expect(Math.abs(until.getTime() - inDays(7).getTime())).toBeLessThan(3_600_000)
      })

      it('destroys nothing that is locked, unless told to bypass', async () => {
        const key = newKey()
        const ref = await adopt(store, content(), key)
        const other = await adopt(store, content(), key)
        await refuses(store.vault.destroy(ref), 'object-locked')
        expect(await store.vault.head(ref)).toBeDefined()
        await store.vault.destroy(ref, { bypass: true })
        expect(await store.vault.head(ref)).toBeUndefined()
        await refuses(store.vault.get(ref), 'object-not-found')
        expect((await store.vault.versions(key)).map(({ versionId }) => versionId)).toEqual([other.versionId])
        await store.vault.destroy(ref, { bypass: true })
        await store.vault.destroy(ref)
      })

      it('extends a lock to the second', async () => {
        const ref = await adopt(store, content())
        const until = inDays(3650)
        await store.vault.extendLock(ref, until, 'GOVERNANCE')
        expect(await lockOf(ref).then((lock) => [seconds(lock.until), lock.mode])).toEqual([
          seconds(until),
          'GOVERNANCE',
        ])
        await store.vault.extendLock(ref, until, 'GOVERNANCE')
        await refuses(store.vault.destroy(ref), 'object-locked')
      })

      it('shortens no lock', async () => {
        const ref = await adopt(store, content())
        await store.vault.extendLock(ref, inDays(100), 'GOVERNANCE')
        for (const mode of ['GOVERNANCE', 'COMPLIANCE'] as const) {
          await refuses(store.vault.extendLock(ref, inDays(99), mode), 'lock-shortened')
          await refuses(store.vault.extendLock(ref, inDays(-1), mode), 'lock-shortened')
        }
        expect(await lockOf(ref)).toEqual({ until: inDays(100), mode: 'GOVERNANCE' })
      })

      it('makes a lock stronger, not weaker', async () => {
        const [same, later] = [await adopt(store, content()), await adopt(store, content())]
        const { until } = await lockOf(same)
        await store.vault.extendLock(same, until, 'COMPLIANCE')
        await store.vault.extendLock(later, inDays(8), 'COMPLIANCE')
        expect((await lockOf(same)).mode).toBe('COMPLIANCE')
        for (const ref of [same, later]) {
          await refuses(store.vault.extendLock(ref, inDays(9), 'GOVERNANCE'), 'lock-shortened')
          await refuses(store.vault.destroy(ref), 'object-locked')
          await refuses(store.vault.destroy(ref, { bypass: true }), 'object-locked')
        }
        await store.vault.extendLock(later, inDays(10), 'COMPLIANCE')
        expect(await lockOf(later)).toEqual({ until: inDays(10), mode: 'COMPLIANCE' })
      })

      it('destroys nothing that is held, bypass or not', async () => {
        const ref = await adopt(store, content())
        await store.vault.hold(ref, true)
        await store.vault.hold(ref, true)
        expect((await store.vault.head(ref))?.held).toBe(true)
        await refuses(store.vault.destroy(ref, { bypass: true }), 'object-held')
        await store.vault.extendLock(ref, inDays(30), 'GOVERNANCE')
        expect(await store.vault.head(ref)).toMatchObject({ held: true, lockMode: 'GOVERNANCE' })
        await store.vault.hold(ref, false)
        expect(await store.vault.head(ref)).toMatchObject({ held: false, lockMode: 'GOVERNANCE' })
        expect((await lockOf(ref)).until).toEqual(inDays(30))
        await store.vault.destroy(ref, { bypass: true })
        expect(await store.vault.head(ref)).toBeUndefined()
      })

      it('loses neither of two changes made at once', async () => {
        const ref = await adopt(store, content())
        await Promise.all([store.vault.hold(ref, true), store.vault.extendLock(ref, inDays(50), 'GOVERNANCE')])
        expect(await store.vault.head(ref)).toMatchObject({ held: true })
        expect((await lockOf(ref)).until).toEqual(inDays(50))
        await store.vault.hold(ref, false)
      })
    })
  })
}
