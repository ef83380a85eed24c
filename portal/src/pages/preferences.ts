import type { APIRoute } from 'astro'
import { asLocale, asTheme, localPath } from '../preferences.ts'

const YEAR = 365 * 24 * 60 * 60

/** Remember language and colours in cookies, so that the server sends each page as it shall look. */
export const POST: APIRoute = async ({ request, cookies, url }) => {
  const form = await request.formData()
  const text = (name: string) => {
    const value = form.get(name)
    return typeof value === 'string' ? value : undefined
  }
  const options = { path: '/', maxAge: YEAR, sameSite: 'lax', secure: url.protocol === 'https:' } as const
  const locale = asLocale(text('locale'))
  if (locale) cookies.set('locale', locale, options)
  if (form.has('theme')) cookies.set('theme', asTheme(text('theme')), options)
  return new Response(null, { status: 303, headers: { location: localPath(text('back')) } })
}
