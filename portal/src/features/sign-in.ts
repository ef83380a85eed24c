import { ArchiveError } from '@registratur/core/errors'
import type { AstroCookies } from 'astro'
import type { PortalLocals } from '../../locals.ts'
import type { Handlers } from '../form.ts'
import { paths } from '../paths.ts'

const COOKIE = 'sign-in'

/** The address a code was sent to, between the two steps. In a cookie, as addresses in URLs end up in logs. */
export const pendingEmail = (cookies: AstroCookies) => cookies.get(COOKIE)?.value

/** Two steps: an address gets a code, the code begins a session. The answer never says whether an address is known. */
export function signInHandlers(
  auth: PortalLocals['auth'],
  { cookies, next, secure }: { cookies: AstroCookies; next: string; secure: boolean },
): Handlers {
  const here = paths.signIn(next)
  const send = async (email: string) => {
    await auth.sendCode(email)
    cookies.set(COOKIE, email, { path: '/sign-in', httpOnly: true, sameSite: 'lax', secure, maxAge: 15 * 60 })
  }
  return {
    send: async (form) => {
      await send(form.required('email'))
      return { to: here }
    },
    resend: async (form) => {
      await send(form.required('email'))
      return { to: here, flash: { key: 'signIn.resent' } }
    },
    restart: async () => {
      cookies.delete(COOKIE, { path: '/sign-in' })
      return { to: here }
    },
    'sign-in': async (form) => {
      const headers = await auth.signIn(form.required('email'), form.required('code').replace(/\s/g, ''))
      if (!headers) throw new ArchiveError('invalid', 'wrong-code', 'This code is wrong or no longer valid.')
      cookies.delete(COOKIE, { path: '/sign-in' })
      return { to: next || paths.home, headers }
    },
  }
}
