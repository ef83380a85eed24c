import { createRoute as create, OpenAPIHono, type RouteConfig, z } from '@hono/zod-openapi'
import { notFound, signInRequired } from '@registratur/core/errors'
import { createMiddleware } from 'hono/factory'
import type { AppEnv } from '../env.ts'
import { Problem } from '../errors.ts'

/** A router whose invalid input is thrown, so that errors become HTTP in one place only. */
export function router() {
  return new OpenAPIHono<AppEnv>({
    defaultHook: (result) => {
      if (result.success) return
      if (result.target === 'param') throw notFound('page')
      throw result.error
    },
  })
}

/** What nobody sends is not even looked at, so that it tells nothing about what would be valid. */
const signedIn = createMiddleware<AppEnv>(async (c, next) => {
  if (c.var.ctx.actor.kind === 'anonymous') throw signInRequired()
  await next()
})

/**
 * A route of the API: every one of them may answer with a problem document.
 *
 * @param config.security  `[]` opens the route to anybody; every other one is for whoever is signed in or has a key
 */
export function createRoute<const R extends RouteConfig>(config: R): R & { getRoutingPath(): string } {
  const problem = {
    description: 'What went wrong, and what to do (RFC 9457)',
    content: { 'application/problem+json': { schema: Problem } },
  }
  const route: RouteConfig = create(config)
  route.responses = { ...route.responses, default: problem }
  if (config.security?.length !== 0) route.middleware = signedIn
  return route as R & { getRoutingPath(): string }
}

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const body = <T extends z.ZodType>(schema: T) => ({
  body: { required: true as const, content: { 'application/json': { schema } } },
})

export const list = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), cursor: z.string().optional() })

const id = z.string().max(100)
export const customerParams = z.object({ customer: id.meta({ example: 'CUS-0001' }) })
export const documentParams = customerParams.extend({ document: id })

/** `If-Match` is honoured, never required. */
export const ifMatchHeader = z.object({ 'if-match': z.string().optional() })

/** The revision an `If-Match` names; `*` names any. One that is not ours can't match. */
export function revisionOf({ 'if-match': tag }: { 'if-match'?: string }): number | undefined {
  if (tag === undefined || tag.trim() === '*') return undefined
  return Number(tag.match(/^\s*(?:W\/)?"(\d{1,9})"\s*$/)?.[1] ?? 0)
}

export const etag = ({ rev }: { rev: number }) => ({ ETag: `"${rev}"` })
