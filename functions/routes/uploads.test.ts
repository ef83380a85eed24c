import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Json, openTestArchive, sha256, someBytes, type TestArchive } from '../../test/kit.ts'

let t: TestArchive
let customer: Json
let folder: Json
beforeAll(async () => {
  t = await openTestArchive({ clock: () => now })
  customer = await t.customer()
  folder = await t.folderOf(customer.id)
})
afterAll(() => t.close())

const START = new Date('2026-03-05T10:00:00Z')
let now = START
const HOUR = 3600_000

const announce = (bytes: Uint8Array, more: object = {}) =>
  t.ask('POST', '/api/uploads', {
    fileName: 'a.pdf',
    size: bytes.length,
    contentType: 'application/pdf',
    sha256: sha256(bytes),
    ...more,
  })

async function put(
  url: string,
  bytes: Uint8Array,
  headers: Record<string, string> = { 'content-type': 'application/pdf' },
) {
  const response = await t.archive.app.request(url, {
    method: 'PUT',
    headers: { 'content-length': String(bytes.length), ...headers },
    body: new Uint8Array(bytes),
  })
  const text = await response.text()
  return { status: response.status, code: text ? JSON.parse(text).code : undefined }
}

const fileIt = (uploadId: string, more: object = {}) =>
  t.ask('POST', `/api/customers/${customer.id}/documents`, {
    ...{ uploadId, folderId: folder.id, recordClass: 'invoice', title: 'T', documentDate: '2026-01-01' },
    ...more,
  })

describe('an upload', () => {
  it('says where to put the bytes and until when', async () => {
    const { status, body } = await announce(someBytes())
    expect(status).toBe(201)
    expect(body).toMatchObject({
      method: 'PUT',
      headers: { 'content-type': 'application/pdf' },
      expiresAt: '2026-03-06T10:00:00.000Z',
    })
    expect(body.uploadId).toMatch(/^upl_/)
    expect(body.url).toContain('/store/staging/')
  })

  it('takes exactly the announced bytes', async () => {
    const bytes = someBytes(500)
    const { url, uploadId } = (await announce(bytes)).body
    for (const wrong of [bytes.subarray(0, 499), new Uint8Array(501), someBytes(500), new Uint8Array(0)]) {
      expect((await put(url, wrong)).code).toBe('upload-mismatch')
    }
    expect((await put(url, bytes, { 'content-type': 'text/html' })).code).toBe('invalid-url')
    expect((await fileIt(uploadId)).body.code).toBe('upload-missing')
    expect((await put(url, bytes)).status).toBe(200)
    expect((await fileIt(uploadId)).status).toBe(201)
  })

  it('is put, not read, and only with the signed address', async () => {
    const { url } = (await announce(someBytes())).body
    expect((await t.archive.app.request(url)).status).toBeGreaterThanOrEqual(400)
    expect((await put(`${url}x`, someBytes())).code).toBe('invalid-url')
    expect((await put(url.replace(/.\./, '.'), someBytes())).code).toBe('invalid-url')
  })

  it('expires a day later, for its bytes and for filing them', async () => {
    const bytes = someBytes()
    const { url, uploadId } = (await announce(bytes)).body
    await put(url, bytes)
    now = new Date(START.getTime() + 24 * HOUR + 1)
    expect((await put(url, bytes)).code).toBe('url-expired')
    expect(await fileIt(uploadId)).toMatchObject({ status: 410, body: { code: 'upload-expired' } })
    now = START
    expect((await fileIt(uploadId)).status).toBe(201)
    now = new Date(START.getTime() + 24 * HOUR + 1)
    expect((await fileIt(uploadId)).status).toBe(201)
    now = START
  })

  it('is filed once: the same call again gets the same document, another one is told', async () => {
    const uploadId = await t.upload(someBytes())
    const first = await fileIt(uploadId)
    expect(first.headers.get('location')).toBe(`/api/customers/${customer.id}/documents/${first.body.id}`)
    const again = await fileIt(uploadId)
    expect([again.status, again.body]).toEqual([201, first.body])
    expect(await fileIt(uploadId, { title: 'Other' })).toMatchObject({ status: 409, body: { code: 'upload-used' } })
    const document = await t.file(customer.id, folder.id, someBytes())
    const version = await t.ask('POST', `/api/customers/${customer.id}/documents/${document.id}/versions`, { uploadId })
    expect(version.body.code).toBe('upload-used')
    const other = await t.customer('Andere')
    const elsewhere = {
      uploadId,
      folderId: (await t.folderOf(other.id)).id,
      recordClass: 'invoice',
      title: 'T',
      documentDate: '2026-01-01',
    }
    expect((await t.ask('POST', `/api/customers/${other.id}/documents`, elsewhere)).body.code).toBe('upload-used')
  })

  it('belongs to whoever announced it; administrators may file anybody’s', async () => {
    const [one, two] = [{ key: await t.keyFor('clerk') }, { key: await t.keyFor('clerk') }]
    const uploadId = await t.upload(someBytes(), 'a.pdf', one)
    const input = { uploadId, folderId: folder.id, recordClass: 'invoice', title: 'T', documentDate: '2026-01-01' }
    const as = (who: { key: string }) => t.ask('POST', `/api/customers/${customer.id}/documents`, input, who)
    expect(await as(two)).toMatchObject({ status: 404, body: { code: 'upload-not-found' } })
    expect((await as({ key: t.key })).status).toBe(201)
  })

  it.each([
    ['an empty file', { size: 0 }],
    ['a negative size', { size: -1 }],
    ['half a byte', { size: 1.5 }],
    ['more than 5 GiB', { size: 5 * 1024 ** 3 + 1 }],
    ['a size as text', { size: '10' }],
    ['no hash', { sha256: undefined }],
    ['a hash in capitals', { sha256: 'A'.repeat(64) }],
    ['a path as a name', { fileName: '../../etc/passwd' }],
    ['a backslash in a name', { fileName: 'a\\b' }],
    ['a NUL in a name', { fileName: 'a\0.pdf' }],
    ['a new line in a name', { fileName: 'a\nb' }],
    ['a reversed name', { fileName: 'a\u202efdp.exe' }],
    ['a name of 1,000 characters', { fileName: 'x'.repeat(1000) }],
    ['half a character in a name', { fileName: 'a\ud800' }],
    ['no name', { fileName: '' }],
    ['a header in the type', { contentType: 'text/plain\r\nx-evil: 1' }],
    ['no type', { contentType: 'pdf' }],
    ['a type of 1,000 characters', { contentType: `a/${'b'.repeat(1000)}` }],
    ['an unknown field', { vault: 'x' }],
  ])('is refused with %s', async (_what, more) => {
    expect(await announce(someBytes(), more)).toMatchObject({ status: 422, body: { code: 'invalid-input' } })
  })
})
