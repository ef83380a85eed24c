import { LOCALES, type Locale } from './messages/index.ts'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export const asTheme = (value: string | undefined): Theme => THEMES.find((theme) => theme === value) ?? 'system'

export const asLocale = (value: string | undefined): Locale | undefined => LOCALES.find((locale) => locale === value)

/** The language to answer in: the reader's choice, else the browser's first language that we speak, else English. */
export function negotiate(chosen: string | undefined, acceptLanguage: string | null): Locale {
  const accepted = (acceptLanguage ?? '')
    .split(',')
    .map((range) => {
      const [tag = '', ...params] = range.trim().toLowerCase().split(';')
      const q = params.find((param) => param.trim().startsWith('q='))
      return { language: tag.split('-')[0], q: q ? Number(q.split('=')[1]) : 1 }
    })
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q)
  return asLocale(chosen) ?? accepted.map(({ language }) => asLocale(language)).find(Boolean) ?? 'en'
}

/** Where a link or form may lead: a path of this site, never another one. */
export function localPath(value: string | null | undefined, fallback = '/'): string {
  if (!value?.startsWith('/') || value.startsWith('//') || /[\p{Cc}\\]/u.test(value)) return fallback
  return value
}
