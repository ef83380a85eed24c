import type { TestProject } from 'vitest/node'
import { startCeph } from './ceph.ts'
import { startDynamoDb } from './dynamodb.ts'
import { type Engine, MissingEngine } from './process.ts'

declare module 'vitest' {
  interface ProvidedContext {
    dynamodb: string | undefined
    s3: { url: string; accessKeyId: string; secretAccessKey: string } | undefined
  }
}

/** Start the engines before the tests and end them after. */
export default async function setup({ provide }: TestProject) {
  const [dynamodb, s3] = await Promise.all([orSkip(startDynamoDb()), orSkip(startCeph())])
  provide('dynamodb', dynamodb?.url)
  provide('s3', s3 && { url: s3.url, accessKeyId: s3.accessKeyId, secretAccessKey: s3.secretAccessKey })
  return () => Promise.all([dynamodb?.stop(), s3?.stop()])
}

/** Without an engine its tests are skipped, except where they must run. */
async function orSkip<T extends Engine>(starting: Promise<T>): Promise<T | undefined> {
  try {
    return await starting
  } catch (error) {
    if (!(error instanceof MissingEngine) || process.env.CI === 'true') throw error
    console.warn(`Skipped: ${error.message}`)
    return undefined
  }
}
