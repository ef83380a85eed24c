import { dynamoDb } from '@registratur/aws/dynamodb'
import { changesOf, openTable } from '@registratur/aws/table'
import { tableContract } from '@registratur/core/contract/table'
import { describe, inject } from 'vitest'
import { createTable, REGION, readStream } from './kit.ts'
import { startLaggingIndex } from './lagging-index.ts'

const endpoint = inject('dynamodb')

/** @param lag  milliseconds for which an index shows nothing after a write */
async function open(lag?: number) {
  if (!endpoint) throw new Error('no engine')
  process.env.AWS_ACCESS_KEY_ID = 'local'
  process.env.AWS_SECRET_ACCESS_KEY = 'local'
  const proxy = lag === undefined ? undefined : await startLaggingIndex(endpoint, lag)
  const client = dynamoDb({ region: REGION, endpoints: { dynamodb: proxy?.url ?? endpoint } })
  const tableName = await createTable(endpoint)
  const table = openTable({ client, tableName })
  const stop = await readStream(endpoint, tableName, (records) => table.deliver(changesOf(records)))
  const close = async () => {
    await stop()
    client.destroy()
    await proxy?.stop()
  }
  return { table, close }
}

describe.skipIf(!endpoint)('DynamoDB', () => {
  tableContract(() => open())
})

describe.skipIf(!endpoint)('DynamoDB, with an index that lags', () => {
  tableContract(() => open(200))
})
