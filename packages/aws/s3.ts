import { S3Client } from '@aws-sdk/client-s3'
import { type ClientOptions, configured } from './client.ts'

/** The client of staging and vault. */
export function s3(options: ClientOptions): S3Client {
  return new S3Client({
    ...configured(options, 's3'),
    // Whoever runs an S3 of their own rarely has a host name for each bucket.
    forcePathStyle: options.endpoints?.s3 !== undefined,
    // The SDK's own CRC32 would be signed into upload URLs as that of an empty body.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  })
}
