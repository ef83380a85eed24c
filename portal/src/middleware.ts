import { defineMiddleware } from 'astro:middleware'
import { notFound } from '@registratur/core/errors'
import { takeFlash } from './flash.ts'
import { formatter } from './format.ts'
import { translator } from './messages/index.ts'
import { paths } from './paths.ts'
import { asTheme, negotiate } from './preferences.ts'
import { asArchiveError } from './problem.ts'

const OFFICE = /^\/(customers|staff|keys|settings|journal)(\/|$)/
const PORTAL = /^\/portal(\/|$)/

export const onRequest = defineMiddleware(async (context, next) => {
  const { locals, cookies, request, url } = context
  locals.locale = negotiate(cookies.get('locale')?.value, request.headers.get('accept-language'))
  locals.theme = asTheme(cookies.get('theme')?.value)
  locals.t = translator(locals.locale)
  locals.format = formatter(locals.locale, locals.ctx.zone)
  if (request.method === 'GET') locals.flash ??= takeFlash(cookies)
  if (url.pathname === '/problem') return next()
  try {
    const { kind } = locals.ctx.actor
    const office = OFFICE.test(url.pathname)
    const portal = PORTAL.test(url.pathname)
    if ((office || portal) && kind === 'anonymous') {
      const wanted = request.method === 'GET' ? url.pathname + url.search : undefined
      return context.redirect(paths.signIn(wanted), 303)
    }
    const counterpart = request.method === 'GET' && otherSide(kind, url.pathname)
    if (counterpart) return context.redirect(counterpart, 303)
    if (office && kind !== 'staff') throw notFound('page')
    if (portal && kind !== 'contact') throw notFound('page')
    return await next()
  } catch (error) {
    locals.problem = asArchiveError(error)
    locals.failed = !locals.problem
    if (locals.failed) report(error, context.routePattern)
    return context.rewrite(new Request(new URL('/problem', url), { headers: request.headers }))
  }
})

/** A link passed on between office and customer leads each to the same document on their own side. */
function otherSide(kind: string, path: string): string | undefined {
  const [, side, customer, document] = /^\/(customers|portal)\/([^/]+)\/documents\/([^/]+)$/.exec(path) ?? []
  if (!customer || !document) return undefined
  if (kind === 'contact' && side === 'customers') return paths.sharedDocument(customer, document)
  return kind === 'staff' && side === 'portal' ? paths.document(customer, document) : undefined
}

/** Name and place of what nobody foresaw; its message may quote what somebody entered. */
function report(error: unknown, route: string): void {
  const stack = error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : []
  const name = error instanceof Error ? error.name : typeof error
  console.error(JSON.stringify({ level: 'error', path: route, error: [name, ...stack.slice(0, 6)].join('\n') }))
}
