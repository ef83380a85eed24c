import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb'
import { type ClientOptions, configured } from './client.ts'

/** The table's client. */
export function dynamoDb(options: ClientOptions): DynamoDBDocumentClient {
  const client = new DynamoDBClient(configured(options, 'dynamodb'))
  return DynamoDBDocumentClient.from(client, {
    marshallOptions: { removeUndefinedValues: true, allowImpreciseNumbers: true },
    unmarshallOptions: { wrapNumbers: Number },
  })
}
