import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { allow } from './access.ts'
import { type Actor, Role } from './actor.ts'
import type { Ctx } from './ctx.ts'
import { notFound } from './errors.ts'
import { insert, overwrite, queryAll, type Row, update } from './item.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Table } from './ports.ts'
import { Line } from './text.ts'

export const NewApiKey = z
  .strictObject({ name: Line(100), roles: z.array(Role).min(1, 'give at least one role') })
  .meta({ id: 'NewApiKey' })

export const ApiKey = z
  .object({
    id: z.string(),
    name: z.string(),
    roles: z.array(Role),
    createdAt: z.string(),
    revokedAt: z.string().optional(),
  })
  .meta({ id: 'ApiKey' })
export type ApiKey = z.infer<typeof ApiKey>

type ApiKeyRow = Row<ApiKey & { secretHash: string }>

function keyView({ id, name, roles, createdAt, revokedAt }: ApiKey): ApiKey {
  return { id, name, roles, createdAt, revokedAt }
}

/** Secrets are random, 256 bits: a plain hash is enough to keep a leaked table useless. */
const hashOf = (secret: string) => createHash('sha256').update(secret).digest('hex')

/**
 * Make a key for a machine. The key itself is in this answer only; the archive keeps a hash of it.
 *
 * @returns the key, to be sent as `Authorization: Bearer <key>`
 * @throws {ArchiveError} `forbidden`
 */
export async function createApiKey(
  ctx: Pick<Ctx, 'actor' | 'table' | 'now' | 'newId'>,
  { name, roles }: z.infer<typeof NewApiKey>,
): Promise<ApiKey & { key: string }> {
  allow(ctx, 'archive.manage')
  const id = ctx.newId('key')
  const secret = randomBytes(32).toString('base64url')
  const view = { id, name, roles, createdAt: ctx.now.toISOString() }
  await ctx.table.transact([
    insert(keys.apiKey(id), { ...view, secretHash: hashOf(secret) }),
    insert(keys.apiKeyList(id), view),
    ...journal(ctx as Ctx, 'key.created', { key: id }, { name, roles }),
  ])
  return { ...view, key: `reg_${id.slice(4)}_${secret}` }
}

/** @throws {ArchiveError} `forbidden` */
export async function listApiKeys(ctx: Ctx): Promise<{ items: ApiKey[] }> {
  allow(ctx, 'archive.manage')
  const rows = await queryAll<Row<ApiKey>>(ctx.table, { pk: 'keys', prefix: 'key#' })
  return { items: rows.map(keyView) }
}

/** @throws {ArchiveError} `forbidden` | `key-not-found` */
export async function revokeApiKey(ctx: Ctx, id: string): Promise<void> {
  allow(ctx, 'archive.manage')
  const row = await ctx.table.get<ApiKeyRow>(keys.apiKey(id))
  if (!row || row.revokedAt) throw notFound('key')
  const revoked = update(row, { revokedAt: ctx.now.toISOString() })
  await ctx.table.transact([
    revoked,
    overwrite(keys.apiKeyList(id), keyView(revoked.put)),
    ...journal(ctx, 'key.revoked', { key: id }),
  ])
}

/** The machine behind a bearer token: 1 read. */
export async function actorOfKey(table: Table, key: string): Promise<Actor | undefined> {
  const [, id, secret] = key.match(/^reg_([0-9A-Z]{26})_([\w-]{43})$/) ?? []
  if (!id || !secret) return undefined
  const row = await table.get<ApiKeyRow>(keys.apiKey(`key_${id}`))
  if (!row || row.revokedAt) return undefined
  if (!timingSafeEqual(Buffer.from(row.secretHash), Buffer.from(hashOf(secret)))) return undefined
  return { kind: 'machine', id: row.id, name: row.name, roles: row.roles }
}
