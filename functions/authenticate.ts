import { type Actor, ANONYMOUS, actorOf } from '@registratur/core/actor'
import { actorOfKey } from '@registratur/core/api-key'
import { type Ctx, newId } from '@registratur/core/ctx'
import { ArchiveError } from '@registratur/core/errors'
import { createMiddleware } from 'hono/factory'
import type { Deps } from './app.ts'
import type { AppEnv } from './env.ts'

/** What a use case gets: who asks, the ports, the instant. */
export function contextFor(deps: Omit<Deps, 'auth'>, actor: Actor, requestId?: string): Ctx {
  const { table, staging, vault, clock, url, zone } = deps
  return { actor, table, staging, vault, now: clock(), newId, requestId, url, zone }
}

/**
 * Find out who asks: a machine by its key, a person by their session, otherwise nobody. What they may do is decided
 * by each use case.
 */
export const authenticate = (deps: Deps) =>
  createMiddleware<AppEnv>(async (c, next) => {
    if (c.req.path.startsWith('/_astro/')) return next()
    const authorization = c.req.header('authorization')
    if (authorization !== undefined) {
      c.set('ctx', contextFor(deps, await machine(deps, authorization), c.var.requestId))
      return next()
    }
    const session = await deps.auth.session(c.req.raw.headers)
    const person = session && (await actorOf(deps.table, session.email))
    c.set('ctx', contextFor(deps, person ?? ANONYMOUS, c.var.requestId))
    await next()
    for (const cookie of session?.setCookies ?? []) c.res.headers.append('set-cookie', cookie)
  })

/** A key that doesn't work is an error even where nobody needs to be known: whoever sent it should hear of it. */
async function machine({ table }: Deps, authorization: string): Promise<Actor> {
  const [, key] = authorization.match(/^Bearer ([\w-]{1,200})$/i) ?? []
  const actor = key && (await actorOfKey(table, key))
  if (actor) return actor
  throw new ArchiveError('unauthenticated', 'invalid-key', 'This API key is unknown or was revoked. Use another one.')
}
