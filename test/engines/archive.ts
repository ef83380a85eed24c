import { randomBytes, randomUUID } from 'node:crypto'
import type { AwsEnvironment } from '@registratur/functions/aws'
import { actAsLambda, invocation, invoke } from './gateway.ts'
import { createBuckets, createTable, REGION, readStream, type S3Access } from './kit.ts'
import { startSes } from './ses.ts'

const EDGE_SECRET = 'edge-secret'
export const SETUP_TOKEN = 'let me in'

/**
 * The archive as it runs on AWS: its functions behind the events they get there, over engines on this machine.
 *
 * @param table  the address under which the functions reach DynamoDB, if it is another one
 * @param url  where it says it is reached; answer there with `fetch`
 */
export async function openArchive({ dynamodb, s3, url, table = dynamodb }: EngineOptions) {
  const [tableName, { vault, staging }, ses] = await Promise.all([
    createTable(dynamodb),
    createBuckets(s3, url),
    startSes(),
  ])
  const env = {
    AWS_REGION: REGION,
    AWS_ENDPOINT_URL_DYNAMODB: table,
    AWS_ENDPOINT_URL_S3: s3.url,
    AWS_ENDPOINT_URL_SESV2: ses.url,
    REGISTRATUR_TABLE: tableName,
    REGISTRATUR_STAGING_BUCKET: staging,
    REGISTRATUR_VAULT_BUCKET: vault,
    REGISTRATUR_URL: url,
    REGISTRATUR_MAIL_FROM: 'Archive <archive@archive.example>',
    REGISTRATUR_SESSION_SECRET: randomBytes(32).toString('base64'),
    REGISTRATUR_EDGE_SECRETS: `${EDGE_SECRET},former`,
    REGISTRATUR_SETUP_TOKEN: SETUP_TOKEN,
  } satisfies AwsEnvironment
  Object.assign(process.env, env, {
    AWS_ACCESS_KEY_ID: s3.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.secretAccessKey,
    POWERTOOLS_METRICS_DISABLED: 'true',
    POWERTOOLS_LOG_LEVEL: process.env.POWERTOOLS_LOG_LEVEL ?? 'ERROR',
  })
  actAsLambda()
  // Imported only now: a function reads its environment when it starts.
  const [web, changes, locks, schedule, sweep, { openAws }] = await Promise.all([
    import('@registratur/functions/web'),
    import('@registratur/functions/changes'),
    import('@registratur/functions/locks'),
    import('@registratur/functions/schedule'),
    import('@registratur/functions/sweep'),
    import('@registratur/functions/aws'),
  ])

  let running = 0
  let delivered = 0
  const stop = await readStream(dynamodb, tableName, async (records) => {
    running++
    const event = JSON.parse(JSON.stringify({ Records: records }))
    for (const handler of [changes.handler, locks.handler]) {
      const { batchItemFailures } = await handler(event, invocation())
      if (batchItemFailures.length) throw new Error('A batch of the stream failed.')
    }
    delivered += records.length
    running--
  })

  return {
    ...{ env, url, sent: ses.sent, aws: openAws(env) },
    /** A request to the archive's own address, as CloudFront passes it on. */
    fetch: (request: Request) =>
      invoke(web.handler, request, { 'x-edge-secret': EDGE_SECRET, 'x-amz-cf-id': `cf-${randomUUID()}==` }),
    /** A request to the function's address, past CloudFront. */
    fetchDirectly: (request: Request) => invoke(web.handler, request),
    schedule: () => schedule.handler({}, invocation()),
    sweep: () => sweep.handler({}, invocation()),
    /** Resolves once the stream has been quiet for a while. */
    async quiet() {
      for (let still = 0, before = -1; still < 8; ) {
        still = !running && delivered === before ? still + 1 : 0
        before = delivered
        await new Promise((resolve) => setTimeout(resolve, 40))
      }
    },
    async close() {
      await stop()
      await ses.stop()
    },
  }
}

interface EngineOptions {
  dynamodb: string
  s3: S3Access
  url: string
  table?: string
}

export type EngineArchive = Awaited<ReturnType<typeof openArchive>>
