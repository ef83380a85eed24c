import { randomUUID } from 'node:crypto'
import {
  CreateTableCommand,
  DescribeTableCommand,
  DynamoDBClient,
  UpdateTimeToLiveCommand,
} from '@aws-sdk/client-dynamodb'
import {
  DescribeStreamCommand,
  DynamoDBStreamsClient,
  GetRecordsCommand,
  GetShardIteratorCommand,
} from '@aws-sdk/client-dynamodb-streams'
import {
  CreateBucketCommand,
  PutBucketCorsCommand,
  PutObjectLockConfigurationCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import type { StreamRecord } from '@registratur/aws/table'

export const REGION = 'eu-central-1'

const anybody = { accessKeyId: 'local', secretAccessKey: 'local' }

/** The table as the vault stack makes it. */
export async function createTable(endpoint: string, TableName = `table-${randomUUID()}`): Promise<string> {
  const client = new DynamoDBClient({ endpoint, region: REGION, credentials: anybody })
  const key = (AttributeName: string, KeyType: 'HASH' | 'RANGE') => ({ AttributeName, KeyType })
  await client.send(
    new CreateTableCommand({
      TableName,
      BillingMode: 'PAY_PER_REQUEST',
      AttributeDefinitions: ['pk', 'sk', 'gsi1pk', 'gsi1sk'].map((AttributeName) => ({
        AttributeName,
        AttributeType: 'S' as const,
      })),
      KeySchema: [key('pk', 'HASH'), key('sk', 'RANGE')],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'gsi1',
          KeySchema: [key('gsi1pk', 'HASH'), key('gsi1sk', 'RANGE')],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
      StreamSpecification: { StreamEnabled: true, StreamViewType: 'NEW_IMAGE' },
    }),
  )
  const TimeToLiveSpecification = { AttributeName: 'expires', Enabled: true }
  await client.send(new UpdateTimeToLiveCommand({ TableName, TimeToLiveSpecification }))
  client.destroy()
  return TableName
}

/** The vault's and the staging bucket as the vault stack makes them. */
export async function createBuckets(
  { url, ...credentials }: S3Access,
  origin = 'http://localhost',
): Promise<{ vault: string; staging: string }> {
  const client = // Ceph has no regions and takes no name of one.
    new S3Client({ endpoint: url, region: 'us-east-1', credentials, forcePathStyle: true })
  const [vault, staging] = [`vault-${randomUUID()}`, `staging-${randomUUID()}`]
  await client.send(new CreateBucketCommand({ Bucket: staging }))
  await client.send(new CreateBucketCommand({ Bucket: vault, ObjectLockEnabledForBucket: true }))
  for (const [Bucket, AllowedMethods] of [
    [staging, ['PUT']],
    [vault, ['GET', 'HEAD']],
  ] as [string, string[]][]) {
    const CORSRules = [{ AllowedMethods, AllowedOrigins: [origin], AllowedHeaders: ['*'], ExposeHeaders: ['etag'] }]
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules } }))
  }
  const DefaultRetention = { Mode: 'GOVERNANCE' as const, Days: 7 }
  await client.send(
    new PutObjectLockConfigurationCommand({
      Bucket: vault,
      ObjectLockConfiguration: { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention } },
    }),
  )
  client.destroy()
  return { vault, staging }
}

export interface S3Access {
  url: string
  accessKeyId: string
  secretAccessKey: string
}

/**
 * Read a table's stream as AWS does for a function, and hand on each batch; a batch whose handler fails comes again.
 *
 * @returns how to stop
 */
export async function readStream(
  endpoint: string,
  TableName: string,
  handle: (records: StreamRecord[]) => Promise<void> | void,
): Promise<() => Promise<void>> {
  const config = { endpoint, region: REGION, credentials: anybody }
  const database = new DynamoDBClient(config)
  const { Table } = await database.send(new DescribeTableCommand({ TableName }))
  database.destroy()
  const StreamArn = Table?.LatestStreamArn
  const client = new DynamoDBStreamsClient(config)
  const followed = new Set<string>()
  const followers: Promise<void>[] = []
  let stopped = false
  const rest = () => new Promise((resolve) => setTimeout(resolve, 30))

  async function follow(ShardId: string): Promise<void> {
    const start = { StreamArn, ShardId, ShardIteratorType: 'TRIM_HORIZON' as const }
    const begin = async () => (await client.send(new GetShardIteratorCommand(start))).ShardIterator
    let iterator = await begin()
    while (iterator && !stopped) {
      try {
        const answer = await client.send(new GetRecordsCommand({ ShardIterator: iterator }))
        if (answer.Records?.length) await handle(answer.Records)
        else await rest()
        iterator = answer.NextShardIterator
      } catch (error) {
        // What DynamoDB Local has trimmed meanwhile is read from its oldest record again: a feed may repeat itself.
        if (!(error instanceof Error) || !/TrimmedDataAccess|ExpiredIterator/.test(error.name)) throw error
        iterator = await begin()
      }
    }
  }

  async function discover(): Promise<void> {
    while (!stopped) {
      const { StreamDescription } = await client.send(new DescribeStreamCommand({ StreamArn }))
      for (const { ShardId } of StreamDescription?.Shards ?? []) {
        if (!ShardId || followed.has(ShardId)) continue
        followed.add(ShardId)
        followers.push(follow(ShardId))
      }
      for (let n = 0; n < 30 && !stopped; n++) await rest()
    }
  }

  const discovering = discover()
  return async () => {
    stopped = true
    await discovering
    await Promise.all(followers)
    client.destroy()
  }
}
