import { timingSafeEqual } from 'node:crypto'
import { ArchiveError } from '@registratur/core/errors'
import { createMiddleware } from 'hono/factory'

/**
 * Answer only what came through CloudFront, which adds a secret header: the function's own URL is public.
 *
 * @param secrets  the present one and, while it rotates, the former
 */
export const throughEdge = (secrets: string[]) =>
  createMiddleware(async (c, next) => {
    const given = Buffer.from(c.req.header('x-edge-secret') ?? '')
    const known = secrets.map((secret) => Buffer.from(secret))
    if (!known.some((secret) => secret.length === given.length && timingSafeEqual(secret, given))) {
      throw new ArchiveError('forbidden', 'not-through-edge', 'Open the archive at its own address.')
    }
    await next()
  })
