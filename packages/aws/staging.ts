import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { ArchiveError } from '@registratur/core/errors'
import type { Staging } from '@registratur/core/ports'
import { serviceError, unavailable } from './errors.ts'

export interface StagingOptions {
  client: S3Client
  /** Not versioned; what lies in it expires by itself. */
  bucket: string
}

/** Deletions on their way at once. */
const LANES = 20

/** Staging in a bucket. Clients put bytes there by presigned URLs. */
export function openStaging({ client, bucket: Bucket }: StagingOptions): Staging {
  async function remove(Key: string): Promise<void> {
    await client.send(new DeleteObjectCommand({ Bucket, Key })).catch(unavailable)
  }

  return {
    async uploadUrl({ id, size, sha256, contentType, expiresAt }) {
      const expires = Date.parse(expiresAt)
      if (!Number.isSafeInteger(size) || size < 0 || !/^[0-9a-f]{64}$/.test(sha256) || Number.isNaN(expires)) {
        throw new ArchiveError('malformed', 'invalid-upload', 'An upload states its size, SHA-256 and expiry.')
      }
      const checksum = Buffer.from(sha256, 'hex').toString('base64')
      const command = new PutObjectCommand({
        ...{ Bucket, Key: stagingKey(id), ContentType: contentType, ContentLength: size },
        ChecksumSHA256: checksum,
      })
      // As headers of the request all three are part of the signature; in the query S3 would not look at the checksum.
      const url = await getSignedUrl(client, command, {
        ...validity(expires),
        signableHeaders: new Set(['content-type', 'content-length']),
        unhoistableHeaders: new Set(['x-amz-checksum-sha256']),
      })
      return {
        url,
        method: 'PUT',
        headers: { 'content-type': contentType, 'x-amz-checksum-sha256': checksum },
        expiresAt,
      }
    },

    async head(uploadId) {
      const command = new HeadObjectCommand({ Bucket, Key: stagingKey(uploadId), ChecksumMode: 'ENABLED' })
      const found = await client.send(command).catch((error) => {
        if (serviceError(error).status === 404) return undefined
        return unavailable(error)
      })
      return found && { size: found.ContentLength ?? 0, sha256: verifiedSha256(found) }
    },

    async read(uploadId) {
      const command = new GetObjectCommand({ Bucket, Key: stagingKey(uploadId) })
      const { Body } = await client.send(command).catch((error) => {
        if (serviceError(error).status === 404) throw uploadMissing()
        return unavailable(error)
      })
      if (!Body) throw uploadMissing()
      return Body.transformToWebStream()
    },

    remove: (uploadId) => remove(stagingKey(uploadId)),

    async removeOlderThan(instant) {
      let removed = 0
      let ContinuationToken: string | undefined
      do {
        const command = new ListObjectsV2Command({ Bucket, Prefix: PREFIX, ContinuationToken })
        const { Contents = [], NextContinuationToken } = await client.send(command).catch(unavailable)
        const old = Contents.flatMap(({ Key, LastModified }) =>
          Key && LastModified && LastModified < instant ? [Key] : [],
        )
        for (let at = 0; at < old.length; at += LANES) await Promise.all(old.slice(at, at + LANES).map(remove))
        removed += old.length
        ContinuationToken = NextContinuationToken
      } while (ContinuationToken)
      return removed
    },
  }
}

const PREFIX = 'uploads/'

/** Where an upload lies in the staging bucket. */
export function stagingKey(uploadId: string): string {
  if (!/^[A-Za-z0-9_-]{1,200}$/.test(uploadId)) {
    throw new ArchiveError('malformed', 'invalid-key', 'This is not the id of an upload.')
  }
  return `${PREFIX}${uploadId}`
}

/** The answer when an upload's bytes never arrived or have expired. */
export function uploadMissing(): ArchiveError {
  return new ArchiveError(
    'not-found',
    'upload-missing',
    'The bytes of this upload are not here. Upload the file again.',
  )
}

/** Signing date and validity of a URL that must not work at `expires` (Unix milliseconds) any more. */
export function validity(expires: number): { signingDate: Date; expiresIn: number } {
  const end = Math.floor(expires / 1000)
  // The signature counts in seconds; what has expired already is signed as of its last second.
  const start = Math.min(Math.floor(Date.now() / 1000), end - 1)
  return { signingDate: new Date(start * 1000), expiresIn: end - start }
}

/** S3 keeps the SHA-256 of the whole object only where it arrived in one piece. */
function verifiedSha256({ ChecksumSHA256, ChecksumType }: { ChecksumSHA256?: string; ChecksumType?: string }) {
  if (!ChecksumSHA256 || ChecksumType === 'COMPOSITE' || ChecksumSHA256.includes('-')) return undefined
  return Buffer.from(ChecksumSHA256, 'base64').toString('hex')
}
