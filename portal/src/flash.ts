import type { AstroCookies } from 'astro'
import type { MessageKey } from './messages/index.ts'

/** A message for the page one is redirected to. */
export interface Flash {
  key: MessageKey
  params?: Record<string, string | number>
}

const COOKIE = 'flash'

export function setFlash(cookies: AstroCookies, flash: Flash, secure: boolean): void {
  cookies.set(COOKIE, JSON.stringify(flash), { path: '/', httpOnly: true, sameSite: 'lax', secure, maxAge: 60 })
}

export function takeFlash(cookies: AstroCookies): Flash | undefined {
  const cookie = cookies.get(COOKIE)
  if (!cookie) return undefined
  cookies.delete(COOKIE, { path: '/' })
  try {
    const flash = cookie.json() as Partial<Flash>
    return typeof flash.key === 'string' ? { key: flash.key, params: flash.params } : undefined
  } catch {
    return undefined
  }
}
