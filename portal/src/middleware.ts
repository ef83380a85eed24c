import { ArchiveError, notFound } from '@registratur/core/errors'
import { defineMiddleware } from 'astro:middleware'
import { takeFlash } from './flash.ts'
import { formatter } from './format.ts'
import { translator } from './messages/index.ts'
import { paths } from './paths.ts'
import { asTheme, negotiate } from './preferences.ts'

const OFFICE = /^\/(customers|staff|keys|settings|journal)(\/|$)/
const PORTAL = /^\/portal(\/|$)/

export const onRequest = defineMiddleware(async (context, next) => {
  const { locals, cookies, request, url } = context
  locals.locale = negotiate(cookies.get('locale')?.value, request.headers.get('accept-language'))
  locals.theme = asTheme(cookies.get('theme')?.value)
  locals.t = translator(locals.locale)
  locals.format = formatter(locals.locale, locals.ctx.zone)
  if (request.method === 'GET') locals.flash ??= takeFlash(cookies)
  if (locals.problem) return next()
  try {
    const { kind } = locals.ctx.actor
    const office = OFFICE.test(url.pathname)
    const portal = PORTAL.test(url.pathname)
    if ((office || portal) && kind === 'anonymous') {
      const wanted = request.method === 'GET' ? url.pathname + url.search : undefined
      return context.redirect(paths.signIn(wanted), 303)
    }
    if (office && kind !== 'staff') throw notFound('page')
    if (portal && kind !== 'contact') throw notFound('page')
    return await next()
  } catch (error) {
    if (!(error instanceof ArchiveError)) throw error
    locals.problem = error
    return context.rewrite(new Request(new URL('/problem', url), { headers: request.headers }))
  }
})
