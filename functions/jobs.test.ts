import { Readable } from 'node:stream'
import type { DynamoDBStreamEvent } from 'aws-lambda'
import { beforeEach, describe, expect, it } from 'vitest'
import { type AwsOptions, openAws } from './aws.ts'
import { jobsHandler } from './jobs.ts'

const ENV = {
  AWS_REGION: 'eu-central-1',
  REGISTRATUR_TABLE: 'archive',
  REGISTRATUR_STAGING_BUCKET: 'staging',
  REGISTRATUR_VAULT_BUCKET: 'vault',
  REGISTRATUR_URL: 'https://archive.example',
}
const INVOCATION = { awsRequestId: 'r', getRemainingTimeInMillis: () => 10_000 }
const PK = 'job#0'

beforeEach(() => {
  process.env.AWS_ACCESS_KEY_ID = 'key'
  process.env.AWS_SECRET_ACCESS_KEY = 'secret'
  process.env.POWERTOOLS_LOG_LEVEL = 'SILENT'
  process.env.POWERTOOLS_METRICS_DISABLED = 'true'
})

/** A table that answers a read of some jobs with an error, and has none of the others any more. */
function tableWithout(broken: string[], asked: string[]): AwsOptions['wrap'] {
  return ({ metadata, destroy }) => ({
    ...{ metadata, destroy },
    async handle(request) {
      const { Key } = JSON.parse(new TextDecoder().decode(request.body))
      asked.push(Key.sk.S)
      const statusCode = broken.includes(Key.sk.S) ? 500 : 200
      return { response: { statusCode, headers: {}, body: Readable.from([Buffer.from('{}')]) } as never }
    },
  })
}

const event = (jobs: [sk: string, kind: string][]) =>
  ({
    Records: jobs.map(([sk, kind], n) => ({
      eventName: 'INSERT',
      dynamodb: {
        SequenceNumber: `${100 + n}`,
        Keys: { pk: { S: PK }, sk: { S: sk } },
        NewImage: { pk: { S: PK }, sk: { S: sk }, job: { M: { kind: { S: kind } } } },
      },
    })),
  }) as DynamoDBStreamEvent

describe('a handler of the stream', () => {
  it('reports exactly the records whose job it could not run', async () => {
    const asked: string[] = []
    const aws = openAws(ENV, { wrap: tableWithout(['b'], asked), attempts: 1 })
    const handler = jobsHandler({ aws, kinds: ['lock'] })
    const jobs = event([
      ['a', 'lock'],
      ['b', 'lock'],
      ['c', 'lock'],
    ])
    expect(await handler(jobs, INVOCATION)).toEqual({ batchItemFailures: [{ itemIdentifier: '101' }] })
    expect(asked.toSorted()).toEqual(['a', 'b', 'c'])
  })

  it('leaves alone what is no job or another function’s', async () => {
    const asked: string[] = []
    const handler = jobsHandler({ aws: openAws(ENV, { wrap: tableWithout([], asked) }), kinds: ['lock'] })
    const mail = event([['a', 'mail']])
    const row = { eventName: 'INSERT', dynamodb: { Keys: { pk: { S: 'customer#1' }, sk: { S: 'x' } } } }
    const removed = { eventName: 'REMOVE', dynamodb: { Keys: { pk: { S: PK }, sk: { S: 'b' } } } }
    const Records = [...mail.Records, row, removed] as DynamoDBStreamEvent['Records']
    expect(await handler({ Records }, INVOCATION)).toEqual({ batchItemFailures: [] })
    expect(asked).toEqual([])
  })

  it('is not deployed without what it needs', () => {
    expect(() => openAws({ ...ENV, REGISTRATUR_TABLE: '' })).toThrow('REGISTRATUR_TABLE')
  })
})
