import { dynamoDb } from '@registratur/aws/clients'
import { changesOf, openTable } from '@registratur/aws/table'
import { tableContract } from '@registratur/core/contract/table'
import { describe, inject } from 'vitest'
import { createTable, REGION, readStream } from './kit.ts'

const endpoint = inject('dynamodb')

async function open() {
  if (!endpoint) throw new Error('no engine')
  process.env.AWS_ACCESS_KEY_ID = 'local'
  process.env.AWS_SECRET_ACCESS_KEY = 'local'
  const client = dynamoDb({ region: REGION, endpoints: { dynamodb: endpoint } })
  const tableName = await createTable(endpoint)
  const table = openTable({ client, tableName })
  const stop = await readStream(endpoint, tableName, (records) => table.deliver(changesOf(records)))
  return { table, close: stop }
}

describe.skipIf(!endpoint)('DynamoDB', () => {
  tableContract(open)
})
