import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKey } from '@registratur/core/api-key'
import type { Ctx } from '@registratur/core/ctx'
import { createCustomer } from '@registratur/core/customer'
import { NewCustomer } from '@registratur/core/customer-fields'
import { type DocumentRow, entryOf, type VersionRow } from '@registratur/core/document'
import { folderTree } from '@registratur/core/folder'
import { insert } from '@registratur/core/item'
import { keys } from '@registratur/core/keys'
import type { Item, Table, Write } from '@registratur/core/ports'
import { openArchive } from '@registratur/functions/embedded'

export interface MeasuredFolder {
  customer: string
  folder: string
}

const MEASURED_DOCUMENTS = 200
/** Of every hundred customers, how many have a folder of 200 to be measured. */
const MEASURED_SHARE = 0.02

/** An archive in a temporary folder, asked through its API. */
export async function openBenchArchive() {
  const dataDir = await mkdtemp(join(tmpdir(), 'registratur-bench-'))
  const archive = await openArchive({ dataDir, url: 'http://localhost:4321' })
  const { key } = await createApiKey(archive.context(), { name: 'bench', roles: ['administrator'] })
  const headers = { authorization: `Bearer ${key}` }
  return {
    ...archive,
    headers,
    async get(path: string): Promise<void> {
      const response = await archive.app.request(`/api${path}`, { headers })
      const body = await response.text()
      if (!response.ok) throw new Error(body)
    },
    async close() {
      await archive.close()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

export type BenchArchive = Awaited<ReturnType<typeof openBenchArchive>>

/**
 * Fill an archive with rows as filing writes them, in bulk. The vault stays empty: opening and listing don't ask it.
 *
 * @returns the folders of 200 documents
 */
export async function fillArchive(
  { context, table }: { context(): Ctx; table: Table },
  { documents, customers }: { documents: number; customers: number },
): Promise<MeasuredFolder[]> {
  const ctx = context()
  const measured = Math.max(2, Math.round(customers * MEASURED_SHARE))
  const rest = (documents - measured * MEASURED_DOCUMENTS) / (customers - measured)
  const folders: MeasuredFolder[] = []
  for (let c = 0; c < customers; c++) {
    const customer = (await createCustomer(ctx, NewCustomer.parse({ type: 'company', name: `Firma ${c} GmbH` }))).id
    const { items } = await folderTree(ctx, customer)
    const isMeasured = c % Math.floor(customers / measured) === 0 && folders.length < measured
    const target = isMeasured ? items.slice(0, 1) : items
    const n = isMeasured ? MEASURED_DOCUMENTS : Math.round(rest)
    const writes: Write[] = []
    for (let d = 0; d < n; d++) {
      const folder = target[d % target.length]?.id ?? ''
      writes.push(...rowsOf(ctx, customer, folder, d))
    }
    const batches = []
    for (let i = 0; i < writes.length; i += 100) batches.push(table.transact(writes.slice(i, i + 100)))
    await Promise.all(batches)
    if (isMeasured) folders.push({ customer, folder: target[0]?.id ?? '' })
  }
  return folders
}

function rowsOf(ctx: Ctx, customerId: string, folderId: string, d: number): Write[] {
  const id = ctx.newId('doc')
  const at = ctx.now.toISOString()
  const sha256 = String(d).padStart(64, '0')
  const content = { n: 1, fileName: `RE-${d}.pdf`, mediaType: 'application/pdf', size: 50_000, sha256 }
  const document = insert<Omit<DocumentRow, keyof Item>>(keys.document(customerId, id), {
    ...{ id, customerId, folderId, recordClass: 'invoice', title: `Rechnung ${d}`, number: `RE-${d}`, tags: [] },
    ...{ documentDate: `2026-${String((d % 12) + 1).padStart(2, '0')}-15`, audience: 'open', numbered: 1 },
    ...{ latest: content, final: content, createdAt: at, createdBy: { id: 'system', name: 'bench' }, updatedAt: at },
  })
  const version = insert<Omit<VersionRow, keyof Item>>(keys.version(customerId, id, 1), {
    ...{ ...content, documentId: id, status: 'final', uploadId: id, createdAt: at },
    ...{
      vault: { key: `customers/${customerId}/${id}/${id}`, versionId: id },
      createdBy: { id: 'system', name: 'bench' },
    },
  })
  return [
    document,
    entryOf(document.put),
    version,
    insert(keys.hash(customerId, sha256, id, 1), { documentId: id, n: 1 }),
  ]
}
