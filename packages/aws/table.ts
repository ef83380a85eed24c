import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import {
  BatchGetCommand,
  type DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  TransactWriteCommand,
  type TransactWriteCommandInput,
  UpdateCommand,
} from '@aws-sdk/lib-dynamodb'
import { unmarshall } from '@aws-sdk/util-dynamodb'
import { ArchiveError, ConflictError } from '@registratur/core/errors'
import { type CheckedWrite, checkKey, checkKeyString, checkWrites, LIMITS } from '@registratur/core/limits'
import type { Change, Condition, Item, Key, Page, Query, Table } from '@registratur/core/ports'
import { busy, serviceError, unavailable } from './errors.ts'

export interface TableOptions {
  client: DynamoDBDocumentClient
  tableName: string
}

/** The table in DynamoDB: key `pk`, `sk`; index `gsi1` on `gsi1pk`, `gsi1sk`; time to live `expires`; a stream of new images. */
export interface DynamoDbTable extends Table {
  /** Tell those who asked for changes. Nothing arrives by itself: a stream calls a handler, not a process. */
  deliver(changes: Change[]): void
}

/** Contenders for one row come apart within a few seconds or not at all. */
const CONTENTION_ATTEMPTS = 16
const LONGEST_PAUSE_MS = 500

export function openTable({ client, tableName: TableName }: TableOptions): DynamoDbTable {
  const consumers = new Set<(changes: Change[]) => void>()

  return {
    async get<T extends Item>(key: Key) {
      checkKey(key)
      const { Item } = await client
        .send(new GetCommand({ TableName, Key: plain(key), ConsistentRead: true }))
        .catch(unavailable)
      return Item as T | undefined
    },

    async getMany<T extends Item>(keys: Key[]) {
      if (keys.length > LIMITS.keys) {
        throw new ArchiveError('too-large', 'too-many-keys', `At most ${LIMITS.keys} rows are read at once.`)
      }
      for (const key of keys) checkKey(key)
      const found = new Map<string, T>()
      let Keys = [...new Map(keys.map((key) => [identity(key), plain(key)])).values()]
      for (let attempt = 0; Keys.length; attempt++) {
        const { Responses, UnprocessedKeys } = await client
          .send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys, ConsistentRead: true } } }))
          .catch(unavailable)
        const items = (Responses?.[TableName] ?? []) as T[]
        for (const item of items) found.set(identity(item), item)
        Keys = (UnprocessedKeys?.[TableName]?.Keys ?? []) as Key[]
        // An answer holds 16 MB at most, so what is left over is no sign of load unless nothing came.
        if (Keys.length && !items.length) await contended(attempt, undefined)
      }
      return keys.map((key) => {
        const item = found.get(identity(key))
        return item && structuredClone(item)
      })
    },

    async query<T extends Item>(query: Query): Promise<Page<T>> {
      const planned = plan(query)
      if (!planned) return { items: [] }
      const { limit } = query
      const { Items = [], LastEvaluatedKey } = await client
        // One more than asked for: DynamoDB names a next page where a full one happens to be the last.
        .send(new QueryCommand({ TableName, ...planned, Limit: limit && Math.min(limit, MOST_PER_PAGE) + 1 }))
        .catch(cursorOrUnavailable)
      const more = limit !== undefined && Items.length > limit
      const items = (more ? Items.slice(0, limit) : Items) as T[]
      const last = items.at(-1)
      return last && (more || LastEvaluatedKey) ? { items, after: cursorOf(last, query) } : { items }
    },

    async transact(writes) {
      const checked = checkWrites(writes)
      if (!checked.length) return
      // The token makes a repetition after a lost answer the same transaction, not one that conflicts with itself.
      const input: TransactWriteCommandInput = {
        TransactItems: checked.map((write) => operation(TableName, write)),
        ClientRequestToken: randomUUID(),
      }
      for (let attempt = 0; ; attempt++) {
        try {
          await client.send(new TransactWriteCommand(input))
          return
        } catch (error) {
          const reasons = cancellationReasons(error)
          if (!reasons) return unavailable(error)
          const failed = checked.filter((_, n) => reasons[n] === 'ConditionalCheckFailed')
          const contention = reasons.some((reason) => PASSING.has(reason))
          if (!contention && !failed.length) throw error
          // Beside a contention the list of failed conditions may not be whole.
          if (contention && attempt < CONTENTION_ATTEMPTS) await contended(attempt, error)
          else if (failed.length) throw new ConflictError(failed.map(({ key }) => key))
          else throw busy(error)
        }
      }
    },

    async next(counter, n = 1) {
      if (!Number.isSafeInteger(n) || n < 1) {
        throw new ArchiveError('malformed', 'invalid-count', 'Draw one number or more.')
      }
      checkKeyString('counter', counter, LIMITS.sortKeyBytes)
      const { Attributes } = await client
        .send(
          new UpdateCommand({
            TableName,
            Key: { pk: `${COUNTER}${counter}`, sk: 'counter' },
            UpdateExpression: 'ADD #value :n',
            ExpressionAttributeNames: { '#value': 'value' },
            ExpressionAttributeValues: { ':n': n },
            ReturnValues: 'UPDATED_NEW',
          }),
        )
        .catch(unavailable)
      return Number(Attributes?.value) - n + 1
    },

    changes(consumer) {
      consumers.add(consumer)
      return () => consumers.delete(consumer)
    },

    deliver(changes) {
      for (const consumer of consumers) consumer(structuredClone(changes))
    },
  }
}

/** A record of a DynamoDB stream, as far as it is needed; the Lambda event's and the SDK's have the same shape. */
export interface StreamRecord {
  eventName?: string | undefined
  dynamodb?: { Keys?: object | undefined; NewImage?: object | undefined } | undefined
}

/** What a record of the table's stream says. Counters are no rows. */
export function changesOf(records: StreamRecord[]): Change[] {
  return records.flatMap(({ eventName, dynamodb }) => {
    const key = image(dynamodb?.Keys) as Key | undefined
    if (!key || key.pk.startsWith(COUNTER)) return []
    const item = eventName === 'REMOVE' ? undefined : (image(dynamodb?.NewImage) as Item | undefined)
    return [{ key: plain(key), ...(item ? { item } : {}) }]
  })
}

const COUNTER = 'counter#'
const MOST_PER_PAGE = 100_000
const PASSING = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])

const plain = ({ pk, sk }: Key): Key => ({ pk, sk })
const identity = ({ pk, sk }: Key) => JSON.stringify([pk, sk])

function image(attributes: object | undefined): object | undefined {
  return attributes && unmarshall(attributes as Parameters<typeof unmarshall>[0], { wrapNumbers: Number })
}

/** Why each write of a cancelled transaction was or was not to blame; undefined when it failed for something else. */
function cancellationReasons(error: unknown): string[] | undefined {
  const { name } = serviceError(error)
  if (name === 'TransactionInProgressException') return ['TransactionConflict']
  if (name !== 'TransactionCanceledException') return undefined
  const { CancellationReasons = [] } = error as { CancellationReasons?: { Code?: string }[] }
  return CancellationReasons.map(({ Code = 'None' }) => Code)
}

/** Wait for a random time that grows with each attempt. */
async function contended(attempt: number, cause: unknown): Promise<void> {
  if (attempt >= CONTENTION_ATTEMPTS) throw busy(cause)
  await pause(Math.random() * Math.min(10 * 2 ** attempt, LONGEST_PAUSE_MS))
}

type Operation = NonNullable<TransactWriteCommandInput['TransactItems']>[number]

function operation(TableName: string, { write, key, put }: CheckedWrite): Operation {
  const condition = conditionOf(write.if)
  // Parsed again because the caller may change its object meanwhile.
  if (put) return { Put: { TableName, Item: JSON.parse(put.body), ...condition } }
  if ('check' in write) return { ConditionCheck: { TableName, Key: key, ConditionExpression: '', ...condition } }
  return { Delete: { TableName, Key: key, ...condition } }
}

function conditionOf(condition: Condition | undefined) {
  if (condition === undefined) return {}
  if (condition === 'absent') return { ConditionExpression: 'attribute_not_exists(pk)' }
  if (condition === 'present') return { ConditionExpression: 'attribute_exists(pk)' }
  return { ConditionExpression: 'rev = :rev', ExpressionAttributeValues: { ':rev': condition.rev } }
}

/** The parameters of a query; undefined when nothing can match, which DynamoDB would call invalid. */
function plan(query: Query) {
  const { pk, prefix, from, to, after, limit, newestFirst = false, index } = query
  checkKeyString('pk', pk, LIMITS.partitionKeyBytes)
  if (prefix !== undefined && (from !== undefined || to !== undefined)) {
    throw invalidQuery('A query has a prefix or bounds, not both.')
  }
  if (limit !== undefined && (!Number.isSafeInteger(limit) || limit < 1)) {
    throw invalidQuery('A page has one row or more.')
  }
  const position = after === undefined ? undefined : parseCursor(after, query)
  if (to === '' || tooLong(prefix) || (from && to && Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0)) {
    return undefined
  }
  if (tooLong(from) || tooLong(to)) throw invalidQuery(`Bounds are at most ${LIMITS.sortKeyBytes} bytes.`)

  const [pkName, skName] = index ? ['gsi1pk', 'gsi1sk'] : ['pk', 'sk']
  const values: Record<string, string> = { ':pk': pk }
  let range = ''
  if (prefix) {
    range = 'begins_with(#sk, :prefix)'
    values[':prefix'] = prefix
  } else if (from && to !== undefined) range = '#sk BETWEEN :from AND :to'
  else if (from) range = '#sk >= :from'
  else if (to !== undefined) range = '#sk <= :to'
  if (!prefix && from) values[':from'] = from
  if (!prefix && to !== undefined) values[':to'] = to
  return {
    KeyConditionExpression: range ? `#pk = :pk AND ${range}` : '#pk = :pk',
    ExpressionAttributeNames: { '#pk': pkName, ...(range ? { '#sk': skName } : {}) } as Record<string, string>,
    ExpressionAttributeValues: values,
    ExclusiveStartKey: position,
    ScanIndexForward: !newestFirst,
    ...(index ? { IndexName: index } : { ConsistentRead: true }),
  }
}

const tooLong = (text: string | undefined) => text !== undefined && Buffer.byteLength(text) > LIMITS.sortKeyBytes

/** Holds the position only, never the queried partition: a forged cursor reaches nothing that the query doesn't. */
function cursorOf({ pk, sk, gsi1sk }: Item, { index }: Query): string {
  return Buffer.from(JSON.stringify(index ? [gsi1sk, pk, sk] : [sk])).toString('base64url')
}

function parseCursor(cursor: string, { pk, index }: Query): Record<string, string> {
  try {
    const position: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString())
    const names = index ? ['gsi1sk', 'pk', 'sk'] : ['sk']
    if (Array.isArray(position) && position.length === names.length) {
      names.forEach((name, n) => {
        checkKeyString(name, position[n], name === 'pk' ? LIMITS.partitionKeyBytes : LIMITS.sortKeyBytes)
      })
      return { [index ? 'gsi1pk' : 'pk']: pk, ...Object.fromEntries(names.map((name, n) => [name, position[n]])) }
    }
  } catch {
    // Answered below.
  }
  throw invalidCursor()
}

/** A position outside the bounds of the query is a cursor of another one. */
function cursorOrUnavailable(error: unknown): never {
  const { name, message } = serviceError(error)
  if (name === 'ValidationException' && /start(ing)? ?key/i.test(message)) throw invalidCursor()
  return unavailable(error)
}

function invalidCursor(): ArchiveError {
  return new ArchiveError('malformed', 'invalid-cursor', 'This cursor is not from an earlier page of the same list.')
}

function invalidQuery(message: string): ArchiveError {
  return new ArchiveError('malformed', 'invalid-query', message)
}
