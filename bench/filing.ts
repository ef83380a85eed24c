import { createHash, randomBytes } from 'node:crypto'
import type { BenchArchive } from './archive.ts'

/** File new documents through the API: announce, put, file. */
export async function measureFiling(
  { app, headers }: BenchArchive,
  { documents, bytes, atOnce }: { documents: number; bytes: number; atOnce: number },
): Promise<{ perSecond: number }> {
  const json = { ...headers, 'content-type': 'application/json' }
  // biome-ignore lint/suspicious/noExplicitAny: answers of three routes, read field by field.
  const post = async (path: string, body: object): Promise<any> => {
    const response = await app.request(`/api${path}`, { method: 'POST', headers: json, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(await response.text())
    return response.json()
  }
  const { id } = await post('/customers', { type: 'company', name: 'Eilig GmbH' })
  const tree = await (await app.request(`/api/customers/${id}/folders`, { headers })).json()
  const folderId: string = tree.items[0].id

  async function fileOne(): Promise<void> {
    const content = randomBytes(bytes)
    const sha256 = createHash('sha256').update(content).digest('hex')
    const upload = await post('/uploads', { fileName: 'a.pdf', size: bytes, contentType: 'application/pdf', sha256 })
    const put = { ...upload.headers, 'content-length': String(bytes) }
    const stored = await app.request(upload.url, { method: 'PUT', headers: put, body: new Uint8Array(content) })
    if (!stored.ok) throw new Error(await stored.text())
    const fields = { recordClass: 'invoice', title: 'Rechnung', documentDate: '2026-03-05', final: true }
    await post(`/customers/${id}/documents`, { uploadId: upload.uploadId, folderId, ...fields })
  }

  let left = documents
  const started = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left-- > 0) await fileOne()
    }),
  )
  return { perSecond: documents / ((performance.now() - started) / 1000) }
}
