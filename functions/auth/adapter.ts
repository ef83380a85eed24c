/**
 * better-auth's database, as keyed reads and conditional writes of our one table.
 *
 * | row            | pk                              | sk                         | answers                              |
 * | -------------- | ------------------------------- | -------------------------- | ------------------------------------ |
 * | user           | auth#user#<id>                  | user                       | user by id: 1 get                    |
 * | e-mail pointer | auth#email#<e-mail>             | user                       | user by e-mail: 2 gets               |
 * | session        | auth#user#<user>                | session#<hash>             | session and its user: 1 getMany;     |
 * |                |                                 |                            | sessions of a user: 1 query          |
 * | account        | auth#user#<user>                | account#<provider>#<theirs>| accounts of a user: 1 query          |
 * | account pointer| auth#account#<provider>#<theirs>| account                    | account by the provider's id: 2 gets |
 * | verification   | auth#verification#<identifier>  | verification               | one-time code of an address: 1 get   |
 *
 * A session token names its user (`<user>.<random>`, see `sessionToken`), so that a session lies beside its user and no
 * pointer is needed; only the token's SHA-256 is stored. A question that no key answers throws: there is no scan to fall
 * back to.
 */
import { createHash, randomBytes } from 'node:crypto'
import { ConflictError } from '@registratur/core/errors'
import { insert, queryAll, remove, SCHEMA, update } from '@registratur/core/item'
import type { Item, Key, Table, Write } from '@registratur/core/ports'
import type { CleanedWhere, JoinConfig } from 'better-auth/adapters'
import { createAdapterFactory } from 'better-auth/adapters'

type Fields = Record<string, unknown>
type Row = Item & Fields
type Equals = Record<string, string | undefined>

interface Model {
  key(fields: Fields): Key
  /** Rows that lead to this one and make its natural key unique. */
  pointers(fields: Fields): Key[]
  /** The rows that the equalities of a question lead to; undefined when none of them is a key. */
  find(table: Table, by: Equals): Promise<(Row | undefined)[]> | undefined
}

const ATTEMPTS = 10

const userPk = (id: string) => `auth#user#${id}`
const userKey = (id: string): Key => ({ pk: userPk(id), sk: 'user' })
const emailKey = (email: string): Key => ({ pk: `auth#email#${email}`, sk: 'user' })
const providerKey = (provider: string, account: string): Key => ({
  pk: `auth#account#${provider}#${account}`,
  sk: 'account',
})
const verificationKey = (identifier: string): Key => ({
  pk: `auth#verification#${identifier}`,
  sk: 'verification',
})

const newId = () => randomBytes(16).toString('base64url')

/** A fresh token for a session of this user. */
export function sessionToken(userId: string): string {
  return `${userId}.${randomBytes(32).toString('base64url')}`
}

/** What is stored of a token: whose it is and its hash. Nothing for what is not a token of ours. */
function storedToken(token: unknown): string {
  const [user, random] = String(token).split('.')
  return user && random ? `${user}.${createHash('sha256').update(String(token)).digest('hex')}` : ''
}

function sessionKey(stored: string): Key {
  const [user = '', hash = ''] = stored.split('.')
  return { pk: userPk(user), sk: `session#${hash}` }
}

const models: Record<string, Model> = {
  user: {
    key: (user) => userKey(String(user.id)),
    pointers: (user) => [emailKey(String(user.email))],
    find(table, { id, email }) {
      if (id) return one(table, userKey(id))
      if (email) return through(table, emailKey(email), (pointer) => userKey(String(pointer.userId)))
    },
  },
  session: {
    key: (session) => sessionKey(String(session.token)),
    pointers: () => [],
    find(table, { token, userId }) {
      if (token !== undefined) return token ? one(table, sessionKey(token)) : Promise.resolve([])
      if (userId) return queryAll<Row>(table, { pk: userPk(userId), prefix: 'session#' })
    },
  },
  account: {
    key: (account) => ({
      pk: userPk(String(account.userId)),
      sk: `account#${account.providerId}#${account.accountId}`,
    }),
    pointers: (account) => [providerKey(String(account.providerId), String(account.accountId))],
    find(table, { userId, providerId, accountId }) {
      if (userId) return queryAll<Row>(table, { pk: userPk(userId), prefix: 'account#' })
      if (!providerId || !accountId) return undefined
      return through(table, providerKey(providerId, accountId), (pointer) => ({
        pk: userPk(String(pointer.userId)),
        sk: `account#${providerId}#${accountId}`,
      }))
    },
  },
  verification: {
    key: (verification) => verificationKey(String(verification.identifier)),
    pointers: () => [],
    find(table, { identifier, id }) {
      if (identifier) return one(table, verificationKey(identifier))
      if (id?.includes('.')) return one(table, verificationKey(id.slice(id.indexOf('.') + 1)))
    },
  },
}

async function one(table: Table, key: Key): Promise<(Row | undefined)[]> {
  return [await table.get<Row>(key)]
}

async function through(table: Table, pointer: Key, target: (pointer: Row) => Key): Promise<(Row | undefined)[]> {
  const row = await table.get<Row>(pointer)
  return row ? one(table, target(row)) : []
}

function modelOf(name: string): Model {
  const model = models[name]
  if (!model) throw new Error(`Authentication asked for the unknown model ${name}`)
  return model
}

/** The question with tokens as they are stored, and the token itself to answer with. */
function normalise(model: string, where: CleanedWhere[] = []): { where: CleanedWhere[]; token?: string } {
  if (where.some(({ connector }, at) => at > 0 && connector === 'OR')) throw unsupported(model, where)
  if (model !== 'session') return { where }
  const token = where.find(({ field, operator }) => field === 'token' && operator === 'eq')?.value
  return {
    where: where.map((clause) => (clause.field === 'token' ? { ...clause, value: storedToken(clause.value) } : clause)),
    token: typeof token === 'string' ? token : undefined,
  }
}

function unsupported(model: string, where: CleanedWhere[]): Error {
  const clauses = where.map(({ field, operator, connector }) => `${connector} ${field} ${operator}`).join(' ')
  return new Error(`Authentication asked the table what no key answers: ${model} where ${clauses || 'anything'}`)
}

type Scalar = string | number | boolean

const operators: Record<string, (stored: unknown, asked: CleanedWhere['value']) => boolean> = {
  eq: (stored, asked) => (stored ?? null) === (asked ?? null),
  ne: (stored, asked) => (stored ?? null) !== (asked ?? null),
  in: (stored, asked) => Array.isArray(asked) && (asked as unknown[]).includes(stored),
  not_in: (stored, asked) => Array.isArray(asked) && !(asked as unknown[]).includes(stored),
  lt: ordered((stored, asked) => stored < asked),
  lte: ordered((stored, asked) => stored <= asked),
  gt: ordered((stored, asked) => stored > asked),
  gte: ordered((stored, asked) => stored >= asked),
}

function ordered(compare: (stored: Scalar, asked: Scalar) => boolean) {
  return (stored: unknown, asked: CleanedWhere['value']) =>
    stored != null && typeof stored === typeof asked && compare(stored as Scalar, asked as Scalar)
}

function matches(row: Row, model: string, where: CleanedWhere[]): boolean {
  return where.every((clause) => {
    const compare = operators[clause.operator]
    if (!compare || clause.mode === 'insensitive') throw unsupported(model, where)
    return compare(row[clause.field], clause.value)
  })
}

async function find(table: Table, model: string, where: CleanedWhere[]): Promise<Row[]> {
  const by: Equals = {}
  for (const { field, operator, value } of where) {
    if (operator === 'eq' && typeof value === 'string') by[field] = value
  }
  const found = modelOf(model).find(table, by)
  if (!found) throw unsupported(model, where)
  return (await found).filter((row): row is Row => row !== undefined && matches(row, model, where))
}

/** Unix seconds for the table's own expiry. */
function expiry(fields: Fields): { expires?: number } {
  return typeof fields.expiresAt === 'string' ? { expires: Math.ceil(Date.parse(fields.expiresAt) / 1000) } : {}
}

/**
 * A used one-time code is emptied, not deleted: were its revision to start over with the next attempt's row, a slow
 * guess could consume that row for the one it had read, and an attempt would go uncounted.
 */
function emptied({ pk, sk, rev, expires }: Row): Write {
  return { put: { pk, sk, rev: rev + 1, v: SCHEMA, expires }, if: { rev } }
}

function removal(model: string, row: Row): Write[] {
  if (model === 'verification') return [emptied(row)]
  return [
    remove(row),
    ...modelOf(model)
      .pointers(row)
      .map((key) => ({ delete: key })),
  ]
}

function changed(model: string, row: Row, change: Fields): Write[] {
  const before = JSON.stringify([modelOf(model).key(row), modelOf(model).pointers(row)])
  const next = { ...row, ...change }
  if (before !== JSON.stringify([modelOf(model).key(next), modelOf(model).pointers(next)])) {
    throw new Error(`Authentication asked to change a key of a ${model}`)
  }
  return [update(row, { ...change, ...expiry(next) })]
}

/**
 * Change a row that was read, unless it changed since; then look again.
 *
 * @returns the row as it was right before the change; undefined when it no longer answers the question
 */
async function conditionally(
  table: Table,
  model: string,
  where: CleanedWhere[],
  read: Row,
  writes: (row: Row) => Write[],
): Promise<Row | undefined> {
  let row: Row | undefined = read
  for (let attempt = 1; row && matches(row, model, where); attempt++) {
    try {
      await table.transact(writes(row))
      return row
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error
    }
    row = await table.get<Row>({ pk: read.pk, sk: read.sk })
  }
}

/** One row per identifier. The code that lives longest stands: a counted guess never overwrites a code sent meanwhile. */
async function createVerification(table: Table, fields: Fields): Promise<Fields> {
  const key = verificationKey(String(fields.identifier))
  const created = { ...fields, id: `${newId()}.${fields.identifier}` }
  for (let attempt = 1; ; attempt++) {
    const standing = await table.get<Row>(key)
    if (standing?.identifier && String(standing.expiresAt) > String(fields.expiresAt)) return created
    const row: Row = { ...created, ...expiry(fields), ...key, rev: (standing?.rev ?? 0) + 1, v: SCHEMA }
    try {
      await table.transact([{ put: row, if: standing ? { rev: standing.rev } : 'absent' }])
      return created
    } catch (error) {
      if (!(error instanceof ConflictError) || attempt === ATTEMPTS) throw error
    }
  }
}

async function create(table: Table, model: string, data: Fields): Promise<Fields> {
  if (model === 'verification') return createVerification(table, data)
  const fields: Fields = { ...data, id: data.id ?? newId() }
  if (model === 'session') {
    fields.token = storedToken(data.token)
    if (!String(fields.token).startsWith(`${data.userId}.`)) throw new Error('A session token must name its user')
  }
  const { key, pointers } = modelOf(model)
  const userId = model === 'user' ? fields.id : fields.userId
  await table.transact([
    insert(key(fields), fields, expiry(fields)),
    ...pointers(fields).map((pointer) => insert(pointer, { userId })),
  ])
  return { ...fields, ...(model === 'session' ? { token: data.token } : {}) }
}

/** A session together with its user: both lie in the user's partition, so one read fetches both. */
async function sessionWithUser(table: Table, where: CleanedWhere[]): Promise<Row | undefined> {
  const stored = where.find(({ field, operator }) => field === 'token' && operator === 'eq')?.value
  if (typeof stored !== 'string') throw unsupported('session', where)
  if (!stored) return undefined
  const key = sessionKey(stored)
  const [session, user] = await table.getMany<Row>([key, { pk: key.pk, sk: 'user' }])
  return session && matches(session, 'session', where) ? { ...session, user } : undefined
}

const joinsUser = (model: string, join?: JoinConfig) =>
  model === 'session' && join !== undefined && Object.keys(join).length === 1 && 'user' in join

function sorted(rows: Row[], sortBy?: { field: string; direction: 'asc' | 'desc' }): Row[] {
  if (!sortBy) return rows
  const sign = sortBy.direction === 'desc' ? -1 : 1
  const value = (row: Row) => String(row[sortBy.field] ?? '')
  return rows.toSorted((a, b) => (value(a) < value(b) ? -sign : value(a) > value(b) ? sign : 0))
}

/** The adapter that better-auth takes as its `database`; wants `advanced.database.joins`. */
export function tableAdapter(table: Table) {
  return createAdapterFactory({
    config: {
      adapterId: 'registratur-table',
      supportsDates: false,
      supportsJSON: true,
      supportsArrays: true,
      supportsNumericIds: false,
      disableIdGeneration: true,
    },
    adapter: () => ({
      async create<T extends Fields>({ model, data }: { model: string; data: T }) {
        return (await create(table, model, data)) as T
      },
      async findOne<T>({ model, where, join }: { model: string; where: CleanedWhere[]; join?: JoinConfig }) {
        const asked = normalise(model, where)
        const row = joinsUser(model, join)
          ? await sessionWithUser(table, asked.where)
          : (await find(table, model, asked.where))[0]
        return (row ? reveal(row, asked.token) : null) as T | null
      },
      async findMany<T>({ model, where, limit, sortBy, offset = 0 }: FindMany) {
        const asked = normalise(model, where)
        const rows = sorted(await find(table, model, asked.where), sortBy)
        return rows.slice(offset, offset + limit).map((row) => reveal(row, asked.token)) as T[]
      },
      async count({ model, where }) {
        return (await find(table, model, normalise(model, where).where)).length
      },
      async update<T>({ model, where, update: change }: { model: string; where: CleanedWhere[]; update: T }) {
        const asked = normalise(model, where)
        const [row] = await find(table, model, asked.where)
        if (!row) return null
        const write = (row: Row) => changed(model, row, change as Fields)
        const before = await conditionally(table, model, asked.where, row, write)
        return (before ? reveal({ ...before, ...(change as Fields) }, asked.token) : null) as T | null
      },
      async updateMany({ model, where, update: change }) {
        const asked = normalise(model, where)
        return each(await find(table, model, asked.where), (row) =>
          conditionally(table, model, asked.where, row, (row) => changed(model, row, change)),
        )
      },
      async delete({ model, where }) {
        const asked = normalise(model, where)
        const [row] = await find(table, model, asked.where)
        if (row) await conditionally(table, model, asked.where, row, (row) => removal(model, row))
      },
      async deleteMany({ model, where }) {
        const asked = normalise(model, where)
        return each(await find(table, model, asked.where), (row) =>
          conditionally(table, model, asked.where, row, (row) => removal(model, row)),
        )
      },
      async consumeOne<T>({ model, where }: { model: string; where: CleanedWhere[] }) {
        const asked = normalise(model, where)
        const [row] = await find(table, model, asked.where)
        if (!row) return null
        try {
          await table.transact(removal(model, row))
        } catch (error) {
          if (error instanceof ConflictError) return null
          throw error
        }
        return reveal(row, asked.token) as T
      },
    }),
  })
}

interface FindMany {
  model: string
  where?: CleanedWhere[]
  limit: number
  sortBy?: { field: string; direction: 'asc' | 'desc' }
  offset?: number
}

const reveal = (row: Row, token: string | undefined): Row => (token === undefined ? row : { ...row, token })

async function each(rows: Row[], change: (row: Row) => Promise<Row | undefined>): Promise<number> {
  const done = await Promise.all(rows.map(change))
  return done.filter((row) => row !== undefined).length
}
