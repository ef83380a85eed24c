import { createHash } from 'node:crypto'
import { createReadStream, openAsBlob } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { RecordClass } from '@registratur/core/retention'
import { type Archive, once } from '../archive.ts'
import { send } from '../request.ts'
import { classOf, dateIn, localDate, mediaTypeOf, titleOf } from './guess.ts'
import type { Listed } from './manifest.ts'
import { NoTarget, type Targets } from './targets.ts'
import type { FoundFile } from './walk.ts'

export interface Defaults {
  recordClass?: RecordClass
  draft: boolean
}

export type Outcome = { kind: 'filed' } | { kind: 'already-there' } | { kind: 'duplicate'; of: string }

/** Where a file goes that lies directly in its customer's folder. */
const UNSORTED = 'Unsorted'

/** What we know of a file without the archive: from the manifest, else its name and place. */
export function describe(file: FoundFile, listed: Listed | undefined, defaults: Defaults) {
  const [customer = '', ...rest] = file.segments
  const ownName = rest.at(-1) ?? ''
  const fileName = listed?.fileName ?? ownName
  const folders = listed?.folder ?? (rest.length > 1 ? rest.slice(0, -1) : [UNSORTED])
  return {
    customer,
    folders,
    fileName,
    final: listed?.status ? listed.status === 'final' : !defaults.draft,
    fields: {
      recordClass: listed?.recordClass ?? defaults.recordClass ?? classOf(folders),
      title: listed?.title ?? titleOf(fileName),
      number: listed?.number,
      documentDate: listed?.documentDate ?? dateIn(fileName) ?? dateIn(ownName) ?? localDate(file.modified),
      contractEnd: listed?.contractEnd,
      tags: listed?.tags,
    },
  }
}

/** Files one after another, none of them twice. */
export function openFiling(archive: Archive, targets: Targets) {
  /** By customer and content: whether the first file of these bytes made it. */
  const claims = new Map<string, { path: string; done: Promise<boolean> }>()

  /** @throws {NoTarget | Refused | Unreachable | Error} with a message for the summary */
  return async function fileOne(file: FoundFile, listed: Listed | undefined, defaults: Defaults): Promise<Outcome> {
    const described = describe(file, listed, defaults)
    const sha256 = await hashOf(file.absolute)
    const customer = await targets.customer(described.customer)
    const claim = `${customer.id} ${sha256}`
    for (let first = claims.get(claim); first; first = claims.get(claim)) {
      if (await first.done) return { kind: 'duplicate', of: first.path }
    }
    const { promise: done, resolve } = Promise.withResolvers<boolean>()
    claims.set(claim, { path: file.path, done })
    try {
      const outcome = await fileNew(file, described, customer.id, sha256)
      resolve(true)
      return outcome
    } catch (error) {
      claims.delete(claim)
      resolve(false)
      throw await changedMeanwhile(file, error)
    }
  }

  async function fileNew(
    file: FoundFile,
    { folders, fileName, final, fields }: ReturnType<typeof describe>,
    customer: string,
    sha256: string,
  ): Promise<Outcome> {
    const { api, ask, persist } = archive
    const documents = api.customers[':customer'].documents
    const param = { customer }
    const { items } = await ask(() => documents.$get({ param, query: { sha256, limit: '1' } }))
    if (items.length > 0) return { kind: 'already-there' }
    const folderId = await targets.folder(customer, folders)
    const body = await openAsBlob(file.absolute)
    const announced = { fileName, size: body.size, contentType: mediaTypeOf(fileName), sha256 }
    const { uploadId, url, method, headers } = await ask(() => api.uploads.$post({ json: announced }))
    await persist(() =>
      send(
        () => fetch(url, { method, headers, body }),
        (reply) => reply.text(),
      ),
    )
    // The same upload gives the same document, so this may be repeated.
    await persist(() => once(() => documents.$post({ param, json: { uploadId, folderId, final, ...fields } })))
    return { kind: 'filed' }
  }
}

async function hashOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  return hash.digest('hex')
}

async function changedMeanwhile(file: FoundFile, error: unknown): Promise<unknown> {
  const now = await stat(file.absolute).catch(() => undefined)
  if (now?.size === file.size && now.mtime.getTime() === file.modified.getTime()) return error
  return now ? new NoTarget('was changed meanwhile: import it again') : new NoTarget('has vanished')
}
