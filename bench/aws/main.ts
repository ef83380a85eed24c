/**
 * `npm run bench -- aws`: per operation, round trips, units and S3 requests; per function, size and cold start; and the
 * monthly bill that follows. On DynamoDB Local and Ceph’s S3, as `npm run test:engines`.
 */
import { randomBytes } from 'node:crypto'
import { loadavg } from 'node:os'
import { startCeph } from '../../test/engines/ceph.ts'
import { startDynamoDb } from '../../test/engines/dynamodb.ts'
import { createBuckets, createTable, REGION } from '../../test/engines/kit.ts'
import type { Engine } from '../../test/engines/process.ts'
import { table } from '../measure.ts'
import { bill } from './cost.ts'
import { measureFunctions, type Start } from './functions.ts'
import { type Measured, measureOperations } from './operations.ts'

const BARS: Record<string, { table?: number; s3?: number }> = {
  'open customer file': { table: 1 },
  'list folder, a page of 100': { table: 1 },
  'file a document': { table: 2, s3: 4 },
}
const WEB = { ms: 400, mb: 5 }
const OTHERS = { ms: 200, mb: 2 }
const MB = 1_000_000
const START_HEAD = ['function', 'bundle', 'bar', 'cold start, median of 10', 'fastest', 'bar']
const OPERATION_HEAD = ['operation', 'sequence', 'of table', 'read', 'write', 'S3 requests', 'aside (seq/r/w)', 'bar']

const engines: Engine[] = []
try {
  const [dynamodb, s3] = await startEngines()
  const env = {
    ...{ AWS_REGION: REGION, AWS_ENDPOINT_URL_DYNAMODB: dynamodb.url, AWS_ENDPOINT_URL_S3: s3.url },
    ...{ AWS_ACCESS_KEY_ID: s3.accessKeyId, AWS_SECRET_ACCESS_KEY: s3.secretAccessKey },
    ...{ POWERTOOLS_METRICS_DISABLED: 'true', POWERTOOLS_LOG_LEVEL: 'ERROR' },
    REGISTRATUR_URL: 'https://archive.example',
    REGISTRATUR_MAIL_FROM: 'Archive <archive@archive.example>',
    REGISTRATUR_SESSION_SECRET: randomBytes(32).toString('base64'),
    REGISTRATUR_SETUP_TOKEN: randomBytes(16).toString('hex'),
  }
  Object.assign(process.env, env)
  const stores = async () => {
    const [tableName, { staging, vault }] = await Promise.all([createTable(dynamodb.url), createBuckets(s3)])
    return {
      REGISTRATUR_TABLE: tableName,
      REGISTRATUR_STAGING_BUCKET: staging,
      REGISTRATUR_VAULT_BUCKET: vault,
    }
  }
  const filled = { ...env, ...(await stores()) }
  const empty = { ...env, ...(await stores()) }

  const operations = await measureOperations(filled)
  console.log(table([OPERATION_HEAD, ...operations.measured.map(operationRow)]))
  console.log(
    `Units are DynamoDB Local’s, which counts a transaction’s writes once; AWS charges them twice.\n` +
      `Ceph keeps no SHA-256 and tells no version of a copy: S3 needs neither the GET nor the second HEAD.\n` +
      `Not counted: authentication and the journalling of accesses, which stand under “aside”. A document takes ` +
      `${operations.bytesPerDocument} bytes of the table, a journalled access ${operations.bytesPerAccess}.\n`,
  )

  const events = [
    { name: 'web: GET /api/health', entry: 'web', path: '/api/health', env: filled },
    {
      name: 'web: open customer file',
      entry: 'web',
      path: operations.openFile,
      headers: operations.machine,
      env: filled,
    },
    // With nothing to do: how long the schedule and the sweep work is another question.
    ...['changes', 'locks', 'schedule', 'sweep'].map((entry) => ({ name: entry, entry, env: empty })),
  ]
  const { node, starts } = await measureFunctions(events)
  console.log(table([START_HEAD, ...starts.map(startRow)]))
  const load = loadavg()[0]?.toFixed(1)
  console.log(`Of this, starting Node.js itself: ${node.toFixed(0)} ms. Load of this machine meanwhile: ${load}.\n`)

  console.log(bill(operations))
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
} finally {
  for (const engine of engines) await engine.stop()
}

async function startEngines() {
  const [dynamodb, s3] = await Promise.allSettled([startDynamoDb(), startCeph()])
  for (const started of [dynamodb, s3]) if (started.status === 'fulfilled') engines.push(started.value)
  if (dynamodb.status === 'rejected') throw dynamodb.reason
  if (s3.status === 'rejected') throw s3.reason
  return [dynamodb.value, s3.value] as const
}

function operationRow({ name, sequence, tableSequence, read, write, s3, aside }: Measured): string[] {
  const bar = BARS[name]
  const requests = Object.values(s3).reduce((sum, n) => sum + n, 0)
  const verdicts = [
    ...(bar?.table ? [`${bar.table} of table: ${verdict(tableSequence <= bar.table)}`] : []),
    ...(bar?.s3 ? [`${bar.s3} S3: ${verdict(requests <= bar.s3)}`] : []),
  ]
  return [
    ...[name, String(sequence), String(tableSequence), String(read), String(write)],
    Object.entries(s3)
      .map(([kind, n]) => `${n} ${kind}`)
      .join(', ') || '–',
    `${aside.sequence}/${aside.read}/${aside.write}`,
    verdicts.join(', '),
  ]
}

function startRow({ name, entry, bytes, ms, fastest }: Start): string[] {
  const bar = entry === 'web' ? WEB : OTHERS
  return [
    ...[name, `${(bytes / MB).toFixed(2)} MB`, `< ${bar.mb} MB: ${verdict(bytes < bar.mb * MB)}`],
    ...[`${ms.toFixed(0)} ms`, `${fastest.toFixed(0)} ms`, `< ${bar.ms} ms: ${verdict(ms < bar.ms)}`],
  ]
}

function verdict(met: boolean): string {
  return met ? 'met' : 'MISSED'
}
