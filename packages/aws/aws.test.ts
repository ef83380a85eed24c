import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { ArchiveError, ConflictError } from '@registratur/core/errors'
import { insert } from '@registratur/core/item'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { ClientOptions, Handler } from './client.ts'
import { dynamoDb } from './dynamodb.ts'
import { sesMailer } from './mailer.ts'
import { s3 } from './s3.ts'
import { ses } from './ses.ts'
import { openStaging } from './staging.ts'
import { changesOf, openTable } from './table.ts'
import { openVault } from './vault.ts'

/** What tests against engines can't bring about: what AWS answers under load, and where its URLs lead. */
const REGION = 'eu-central-1'

interface Sent {
  target: string
  body: Record<string, unknown>
}

let sent: Sent[]
let answers: { status: number; body: unknown }[]

beforeEach(() => {
  process.env.AWS_ACCESS_KEY_ID = 'key'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  sent = []
  answers = []
})

/** Instead of the network: keeps what is sent, and answers what the test has laid ready. */
const wrap: NonNullable<ClientOptions['wrap']> = ({ metadata, destroy }) => ({
  metadata,
  destroy,
  async handle(request) {
    sent.push({
      target: request.headers['x-amz-target'] ?? request.path,
      body: JSON.parse(new TextDecoder().decode(request.body)),
    })
    const { status, body } = answers.shift() ?? { status: 200, body: {} }
    const response = { statusCode: status, headers: {}, body: Readable.from([Buffer.from(JSON.stringify(body))]) }
    return { response } as unknown as Awaited<ReturnType<Handler['handle']>>
  },
})

const table = (more: Partial<ClientOptions> = {}) =>
  openTable({ client: dynamoDb({ region: REGION, wrap, ...more }), tableName: 'archive' })

const cancelled = (...codes: string[]) => ({
  status: 400,
  body: {
    __type: 'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    message: 'cancelled',
    CancellationReasons: codes.map((Code) => ({ Code })),
  },
})

const two = [insert({ pk: 'p', sk: 'a' }, {}), insert({ pk: 'p', sk: 'b' }, {})]

describe('a transaction', () => {
  it('is tried again under contention, with the same token, and nobody hears of it', async () => {
    answers.push(cancelled('None', 'TransactionConflict'), cancelled('TransactionConflict', 'ConditionalCheckFailed'))
    await table().transact(two)
    expect(sent).toHaveLength(3)
    expect(new Set(sent.map(({ body }) => body.ClientRequestToken)).size).toBe(1)
  })

  it('names the keys whose conditions failed', async () => {
    answers.push(cancelled('None', 'ConditionalCheckFailed'))
    const error = await table()
      .transact(two)
      .catch((thrown) => thrown)
    expect(error).toBeInstanceOf(ConflictError)
    expect(error.keys).toEqual([{ pk: 'p', sk: 'b' }])
    expect(sent).toHaveLength(1)
  })

  it('is given up as busy when the contention does not end', { timeout: 30_000 }, async () => {
    answers.push(...Array.from({ length: 30 }, () => cancelled('TransactionConflict', 'None')))
    await expect(table().transact(two)).rejects.toMatchObject({ kind: 'unavailable', code: 'busy' })
  })

  it('is not called busy when it is wrong', async () => {
    answers.push({ status: 400, body: { __type: 'x#ValidationException', message: 'wrong' } })
    await expect(table().transact(two)).rejects.toThrow('wrong')
    answers.push({ status: 400, body: { __type: 'x#AccessDeniedException', message: 'no right' } })
    const error = await table()
      .get({ pk: 'p', sk: 'a' })
      .catch((thrown) => thrown)
    expect(error).not.toBeInstanceOf(ArchiveError)
  })
})

describe('reading many', () => {
  it('asks again for what was left over, and for each row once', async () => {
    const image = (sk: string) => ({ pk: { S: 'p' }, sk: { S: sk }, rev: { N: '1' }, v: { N: '1' } })
    const left = { archive: { Keys: [{ pk: { S: 'p' }, sk: { S: 'b' } }], ConsistentRead: true } }
    answers.push(
      { status: 200, body: { Responses: { archive: [image('a')] }, UnprocessedKeys: left } },
      { status: 200, body: { Responses: { archive: [] }, UnprocessedKeys: left } },
      { status: 200, body: { Responses: { archive: [image('b')] } } },
    )
    const found = await table().getMany(['b', 'a', 'b'].map((sk) => ({ pk: 'p', sk })))
    expect(found.map((row) => row?.sk)).toEqual(['b', 'a', 'b'])
    expect(sent.map(({ body }) => (body.RequestItems as typeof left).archive.Keys.length)).toEqual([2, 1, 1])
    for (const { body } of sent) expect((body.RequestItems as typeof left).archive.ConsistentRead).toBe(true)
  })
})

describe('the stream', () => {
  it('tells of rows, not of counters', () => {
    const keys = (pk: string) => ({ pk: { S: pk }, sk: { S: 'a' } })
    const row = { ...keys('p'), rev: { N: '2' }, v: { N: '1' }, big: { N: '1E+20' } }
    const changes = changesOf([
      { eventName: 'MODIFY', dynamodb: { Keys: keys('p'), NewImage: row } },
      {
        eventName: 'INSERT',
        dynamodb: { Keys: keys('counter#c'), NewImage: { ...keys('counter#c'), value: { N: '1' } } },
      },
      { eventName: 'REMOVE', dynamodb: { Keys: keys('q') } },
    ])
    expect(changes).toEqual([
      { key: { pk: 'p', sk: 'a' }, item: { pk: 'p', sk: 'a', rev: 2, v: 1, big: 1e20 } },
      { key: { pk: 'q', sk: 'a' } },
    ])
  })
})

describe('a call', () => {
  let server: ReturnType<typeof createServer> | undefined
  afterEach(() => {
    server?.closeAllConnections()
    server?.close()
  })

  it('ends when the time of the function runs out', { timeout: 10_000 }, async () => {
    server = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise((resolve) => server?.once('listening', resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const controller = new AbortController()
    server.once('request', () => controller.abort())
    const client = dynamoDb({ region: REGION, endpoints: { dynamodb: endpoint }, signal: () => controller.signal })
    const attempt = openTable({ client, tableName: 'archive' }).get({ pk: 'p', sk: 'a' })
    await expect(attempt).rejects.toMatchObject({ kind: 'unavailable', code: 'busy' })
  })
})

describe('URLs', () => {
  const client = () => s3({ region: REGION })
  const expiresAt = new Date(Date.now() + 60_000).toISOString()

  it('of uploads sign size, type and SHA-256, and no other checksum', async () => {
    const staging = openStaging({ client: client(), bucket: 'staging' })
    const ticket = { id: 'upl_1', size: 5, sha256: 'ab'.repeat(32), contentType: 'text/plain', expiresAt }
    const { url, headers } = await staging.uploadUrl(ticket)
    const { origin, pathname, searchParams } = new URL(url)
    expect(origin + pathname).toBe('https://staging.s3.eu-central-1.amazonaws.com/uploads/upl_1')
    expect(searchParams.get('X-Amz-SignedHeaders')).toBe('content-length;content-type;host;x-amz-checksum-sha256')
    expect([...searchParams.keys()].filter((name) => /checksum/i.test(name))).toEqual([])
    const checksum = Buffer.from('ab'.repeat(32), 'hex').toString('base64')
    expect(headers).toEqual({ 'content-type': 'text/plain', 'x-amz-checksum-sha256': checksum })
  })

  it('of downloads name one version and how it is shown', async () => {
    const vault = openVault({ client: client(), bucket: 'vault', stagingBucket: 'staging' })
    const how = { contentType: 'application/pdf', disposition: 'inline', fileName: 'a.pdf' } as const
    const url = await vault.downloadUrl(
      { key: 'customers/a/b/c', versionId: 'v1' },
      { method: 'GET', ...how, expiresAt },
    )
    const { searchParams } = new URL(url)
    expect(searchParams.get('versionId')).toBe('v1')
    expect(searchParams.get('response-content-type')).toBe('application/pdf')
    expect(searchParams.get('response-content-disposition')).toBe('inline; filename="a.pdf"')
    expect(Number(searchParams.get('X-Amz-Expires'))).toBeLessThanOrEqual(60)
  })
})

describe('mail', () => {
  it('carries its id and says that a program wrote it', async () => {
    const mailer = sesMailer({ client: ses({ region: REGION, wrap }), from: 'Archive <a@archive.example>' })
    await mailer({ id: 'job_1', to: 'anna@kunde.example', subject: 'Grüße', text: 'Hallo' })
    expect(sent).toMatchObject([
      {
        target: '/v2/email/outbound-emails',
        body: {
          FromEmailAddress: 'Archive <a@archive.example>',
          Destination: { ToAddresses: ['anna@kunde.example'] },
          Content: {
            Simple: {
              Subject: { Data: 'Grüße', Charset: 'UTF-8' },
              Headers: [
                { Name: 'Auto-Submitted', Value: 'auto-generated' },
                { Name: 'X-Registratur-Mail', Value: 'job_1' },
              ],
            },
          },
        },
      },
    ])
  })

  it('is busy where SES asks to slow down', async () => {
    answers.push({ status: 429, body: { __type: 'TooManyRequestsException', message: 'slow' } })
    const client = ses({ region: REGION, wrap, attempts: 1 })
    const mail = { id: 'job_1', to: 'a@b.example', subject: 'a', text: 'b' }
    await expect(sesMailer({ client, from: 'a@b.example' })(mail)).rejects.toMatchObject({ code: 'busy' })
  })
})
