import { createHash } from 'node:crypto'
import * as z from 'zod'
import { allow, may } from './access.ts'
import type { Ctx } from './ctx.ts'
import { openFiles } from './customer.ts'
import { ArchiveError, notFound } from './errors.ts'
import { insert, type Row } from './item.ts'
import { keys } from './keys.ts'
import { FileName, Sha256 } from './text.ts'

export const MOST_BYTES = 5 * 1024 ** 3
const HOURS_VALID = 24
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(\s*;\s*[\w!#$&^.+-]+=("[^"\r\n]*"|[\w!#$&^.+-]+))*$/

export const NewUpload = z
  .strictObject({
    fileName: FileName,
    /** Bytes. */
    size: z.int().min(1, 'is 0: an empty file can’t be filed').max(MOST_BYTES, 'is more than 5 GiB: split the file'),
    contentType: z.string().max(200).regex(MEDIA_TYPE, 'is not a media type').default('application/octet-stream'),
    /** SHA-256 of the bytes, lower-case hex. */
    sha256: Sha256,
  })
  .meta({ id: 'NewUpload' })
export type NewUpload = z.infer<typeof NewUpload>

export const Upload = z
  .object({
    uploadId: z.string(),
    url: z.string(),
    method: z.literal('PUT'),
    headers: z.record(z.string(), z.string()),
    expiresAt: z.string(),
  })
  .meta({ id: 'Upload' })

/** Where the bytes of an upload were filed. */
export interface FiledAs {
  customerId: string
  documentId: string
  version: number
  /** Hash of the call that filed it: the same call again gets the same answer. */
  request: string
}

export type UploadRow = Row<{
  id: string
  fileName: string
  size: number
  contentType: string
  sha256: string
  /** Actor id: an upload is filed by whoever announced it. */
  by: string
  expiresAt: string
  filedAs?: FiledAs
}>

/**
 * Announce bytes and learn where to put them. They are filed by a later call, within a day.
 *
 * @throws {ArchiveError} `sign-in-required` | `forbidden`
 */
export async function createUpload(ctx: Ctx, input: NewUpload): Promise<z.infer<typeof Upload>> {
  await allowUpload(ctx)
  const expires = new Date(ctx.now.getTime() + HOURS_VALID * 3600_000)
  const id = ctx.newId('upl')
  const upload = { id, ...input, by: ctx.actor.id, expiresAt: expires.toISOString() }
  const [request] = await Promise.all([
    ctx.staging.uploadUrl(upload),
    ctx.table.transact([insert(keys.upload(id), upload, { expires: Math.ceil(expires.getTime() / 1000) + 7 * 86400 })]),
  ])
  return { uploadId: id, ...request }
}

/** Staff may upload; a contact may where a folder is shared with them to hand documents in. */
async function allowUpload(ctx: Ctx): Promise<void> {
  const { actor } = ctx
  if (actor.kind !== 'contact') return allow(ctx, 'document.write')
  const files = await openFiles(ctx, actor.memberships)
  if (files.some(({ folders, scope }) => folders.some(({ id }) => scope?.folder(id).upload))) return
  throw new ArchiveError('forbidden', 'forbidden', 'Nothing is shared with you to hand documents in. Ask for it.')
}

/**
 * The upload, if its bytes can still be filed or were filed already.
 *
 * @throws {ArchiveError} `upload-not-found`, also for somebody else's | `upload-expired`
 */
export function usable(ctx: Ctx, upload: UploadRow | undefined): UploadRow {
  if (!upload || (upload.by !== ctx.actor.id && !may(ctx, 'archive.manage'))) throw notFound('upload')
  if (!upload.filedAs && upload.expiresAt < ctx.now.toISOString()) {
    throw new ArchiveError('gone', 'upload-expired', 'This upload has expired. Upload the file again.')
  }
  return upload
}

/**
 * Make sure that staging holds exactly the announced bytes.
 *
 * @throws {ArchiveError} `upload-missing` | `upload-mismatch`
 */
export async function verify(ctx: Ctx, upload: UploadRow): Promise<void> {
  const staged = await ctx.staging.head(upload.id)
  if (!staged) {
    throw new ArchiveError(
      'conflict',
      'upload-missing',
      'No bytes have arrived for this upload. PUT them to its url first.',
    )
  }
  const sha256 = staged.sha256 ?? (await sha256Of(await ctx.staging.read(upload.id)))
  if (staged.size === upload.size && sha256 === upload.sha256) return
  throw new ArchiveError(
    'invalid',
    'upload-mismatch',
    'The bytes differ from what was announced. Upload the file again.',
  )
}

async function sha256Of(bytes: ReadableStream<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of bytes) hash.update(chunk)
  return hash.digest('hex')
}
