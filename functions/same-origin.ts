import { ArchiveError } from '@registratur/core/errors'
import { createMiddleware } from 'hono/factory'
import type { AppEnv } from './env.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Refuse what another site makes a signed-in browser send. Browsers name the origin on every unsafe request; a
 * client that names none is no browser, so nobody's cookies were borrowed.
 *
 * @param origins  those of this archive
 * @see OWASP, Cross-Site Request Forgery Prevention: Fetch Metadata and origin verification
 */
export const sameOriginOnly = (origins: string[]) =>
  createMiddleware<AppEnv>(async (c, next) => {
    if (SAFE.has(c.req.method) || c.var.ctx?.actor.kind === 'machine') return next()
    const site = c.req.header('sec-fetch-site')
    const origin = c.req.header('origin')
    const foreign =
      origin !== undefined ? !origins.includes(origin) : site !== undefined && site !== 'same-origin' && site !== 'none'
    if (!foreign) return next()
    throw new ArchiveError(
      'forbidden',
      'foreign-origin',
      'This request came from another site. Open the archive itself.',
    )
  })
