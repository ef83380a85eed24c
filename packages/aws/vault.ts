import {
  CopyObjectCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  PutObjectLegalHoldCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { contentDisposition } from '@registratur/core/content-disposition'
import { ArchiveError, notFound } from '@registratur/core/errors'
import type { Vault, VaultHead, VaultObject, VaultRef } from '@registratur/core/ports'
import { serviceError, unavailable } from './errors.ts'
import { stagingKey, uploadMissing, validity } from './staging.ts'

export interface VaultOptions {
  client: S3Client
  /** Versioned, with Object Lock; its default retention is the vault's short lock. */
  bucket: string
  stagingBucket: string
  /** Objects per page of `list`; 1,000 at most. */
  pageSize?: number
}

/** The vault in a bucket with Object Lock. What is locked there, S3 itself protects. */
export function openVault({ client, bucket: Bucket, stagingBucket, pageSize = 1000 }: VaultOptions): Vault {
  const target = ({ key, versionId }: VaultRef) => ({ Bucket, Key: key, VersionId: versionId })

  async function head(ref: VaultRef): Promise<VaultHead | undefined> {
    try {
      return headOf(ref, await client.send(new HeadObjectCommand(target(ref))))
    } catch (error) {
      const { status } = serviceError(error)
      if (status === 404 || status === 405) return undefined
      // S3 answers 400 to an id that no version can have, and the answer to a HEAD doesn't say why.
      if (status === 400 && !(await versions(ref.key)).some(({ versionId }) => versionId === ref.versionId)) {
        return undefined
      }
      return unavailable(error)
    }
  }

  async function page(prefix: string, after?: Position) {
    const answer = await client
      .send(
        new ListObjectVersionsCommand({
          ...{ Bucket, Prefix: prefix, MaxKeys: pageSize },
          ...{ KeyMarker: after?.key, VersionIdMarker: after?.versionId },
        }),
      )
      .catch(unavailable)
    const objects = (answer.Versions ?? []).flatMap(
      ({ Key: key, VersionId: versionId, Size: size = 0, LastModified }) =>
        key && versionId ? [{ key, versionId, size, createdAt: (LastModified ?? new Date(0)).toISOString() }] : [],
    )
    const { IsTruncated, NextKeyMarker: key, NextVersionIdMarker: versionId } = answer
    return { objects, next: IsTruncated && key ? { key, versionId } : undefined }
  }

  async function versions(key: string): Promise<VaultObject[]> {
    const found: VaultObject[] = []
    let after: Position | undefined
    do {
      const { objects, next } = await page(key, after)
      found.push(...objects.filter((object) => object.key === key))
      after = next?.key === key ? next : undefined
    } while (after)
    return found
  }

  /** Turn the refusal of a change into what the port says, by looking at what there is. */
  async function explain(error: unknown, ref: VaultRef, refused: (found: VaultHead) => ArchiveError | undefined) {
    if (isMissing(error)) throw notFound('object')
    if (serviceError(error).status !== 403 && serviceError(error).status !== 400) return unavailable(error)
    const found = await head(ref)
    if (!found) throw notFound('object')
    throw refused(found) ?? error
  }

  return {
    async adopt(uploadId, key, { documentId, version, sha256 }) {
      const command = new CopyObjectCommand({
        ...{ Bucket, Key: key, CopySource: `${stagingBucket}/${stagingKey(uploadId)}` },
        // No lock is asked for: the bucket's default is the short lock, on every S3.
        MetadataDirective: 'REPLACE',
        Metadata: { 'document-id': documentId, version: String(version), sha256 },
        ContentType: 'application/octet-stream',
        TaggingDirective: 'REPLACE',
      })
      const { VersionId } = await client.send(command).catch((error) => {
        if (isMissing(error)) throw uploadMissing()
        return unavailable(error)
      })
      if (VersionId) return { versionId: VersionId }
      // Ceph doesn't tell it. The key belongs to one upload, so the newest version is this one or its equal.
      const newest = await client.send(new HeadObjectCommand({ Bucket, Key: key })).catch(unavailable)
      if (!newest.VersionId) throw new Error('The vault’s bucket keeps no versions.')
      return { versionId: newest.VersionId }
    },

    async get(ref, range) {
      if (range && range.end < range.start) throw notSatisfiable()
      const Range = range && `bytes=${range.start}-${range.end}`
      const { Body } = await client.send(new GetObjectCommand({ ...target(ref), Range })).catch((error) => {
        const { name, status } = serviceError(error)
        if (status === 416) throw notSatisfiable()
        if (isMissing(error) || name === 'InvalidArgument') throw notFound('object')
        return unavailable(error)
      })
      if (!Body) throw notFound('object')
      return Body.transformToWebStream()
    },

    head,
    versions,

    async list(prefix, after) {
      const { objects, next } = await page(prefix, after === undefined ? undefined : parseCursor(after))
      return next ? { items: objects, after: cursorOf(next) } : { items: objects }
    },

    async downloadUrl(ref, { method, fileName, contentType, disposition, expiresAt }) {
      const input = {
        ...target(ref),
        ResponseContentType: contentType,
        ResponseContentDisposition: contentDisposition(disposition, fileName),
        ResponseCacheControl: 'private, no-store',
      }
      const command = method === 'GET' ? new GetObjectCommand(input) : new HeadObjectCommand(input)
      return getSignedUrl(client, command, validity(Date.parse(expiresAt)))
    },

    async extendLock(ref, until, mode) {
      const found = await head(ref)
      if (!found) throw notFound('object')
      // Whole seconds, never earlier than asked for.
      const wanted = new Date(Math.ceil(until.getTime() / 1000) * 1000)
      const shortened = ({ lockUntil, lockMode }: VaultHead) => {
        const current = lockUntil ? Date.parse(lockUntil) : 0
        const weaker = lockMode === 'COMPLIANCE' && mode !== 'COMPLIANCE' && current > Date.now()
        if (wanted.getTime() >= current && wanted.getTime() > Date.now() && !weaker) return undefined
        return new ArchiveError(
          'conflict',
          'lock-shortened',
          `This version is locked until ${lockUntil} (${lockMode}). A lock only becomes longer or stronger.`,
        )
      }
      const refused = shortened(found)
      if (refused) throw refused
      const command = new PutObjectRetentionCommand({
        ...target(ref),
        Retention: { Mode: mode, RetainUntilDate: wanted },
        // S3 counts a stronger mode as a change of the lock, which GOVERNANCE allows only so.
        ...(mode === 'COMPLIANCE' && found.lockMode === 'GOVERNANCE' ? { BypassGovernanceRetention: true } : {}),
      })
      await client.send(command).catch((error) => explain(error, ref, shortened))
    },

    async hold(ref, on) {
      const command = new PutObjectLegalHoldCommand({ ...target(ref), LegalHold: { Status: on ? 'ON' : 'OFF' } })
      await client.send(command).catch((error) => explain(error, ref, () => undefined))
    },

    async destroy(ref, { bypass = false } = {}) {
      // Without a version S3 would hide the object and keep its bytes.
      if (!ref.versionId) return
      const command = new DeleteObjectCommand({
        ...target(ref),
        ...(bypass ? { BypassGovernanceRetention: true } : {}),
      })
      const locked = ({ held, lockUntil, lockMode }: VaultHead) => {
        if (held) {
          return new ArchiveError('conflict', 'object-held', 'A legal hold covers this version: lift the hold first.')
        }
        const standing = lockUntil !== undefined && Date.parse(lockUntil) > Date.now()
        if (!standing || (bypass && lockMode === 'GOVERNANCE')) return undefined
        return new ArchiveError('conflict', 'object-locked', `This version is locked until ${lockUntil}.`)
      }
      await client
        .send(command)
        .catch((error) => explain(error, ref, locked))
        .catch((error) => {
          if (!(error instanceof ArchiveError && error.code === 'object-not-found')) throw error
        })
    },
  }
}

interface HeadAnswer {
  ContentLength?: number
  LastModified?: Date
  Metadata?: Record<string, string>
  ObjectLockRetainUntilDate?: Date
  ObjectLockMode?: 'GOVERNANCE' | 'COMPLIANCE'
  ObjectLockLegalHoldStatus?: 'ON' | 'OFF'
}

function headOf({ key, versionId }: VaultRef, answer: HeadAnswer): VaultHead {
  const { Metadata: { 'document-id': documentId = '', version, sha256 = '' } = {} } = answer
  const lockUntil = answer.ObjectLockRetainUntilDate?.toISOString()
  return {
    ...{ key, versionId, size: answer.ContentLength ?? 0 },
    createdAt: (answer.LastModified ?? new Date(0)).toISOString(),
    meta: { documentId, version: Number(version), sha256 },
    ...(lockUntil ? { lockUntil, lockMode: answer.ObjectLockMode ?? 'GOVERNANCE' } : {}),
    held: answer.ObjectLockLegalHoldStatus === 'ON',
  }
}

function isMissing(error: unknown): boolean {
  const { name, status } = serviceError(error)
  // 405: the version is a marker of a deletion.
  return status === 404 || status === 405 || name === 'NoSuchKey' || name === 'NoSuchVersion'
}

function notSatisfiable(): ArchiveError {
  return new ArchiveError('malformed', 'range-not-satisfiable', 'The object has no such range of bytes.')
}

interface Position {
  key: string
  versionId: string | undefined
}

function cursorOf({ key, versionId }: Position): string {
  return Buffer.from(JSON.stringify([key, versionId ?? ''])).toString('base64url')
}

function parseCursor(cursor: string): Position {
  try {
    const [key, versionId]: unknown[] = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    if (typeof key === 'string' && typeof versionId === 'string') return { key, versionId: versionId || undefined }
  } catch {
    // Answered below.
  }
  throw new ArchiveError('malformed', 'invalid-cursor', 'This cursor is not from an earlier page of the same list.')
}
