import { de } from './de.ts'
import { en } from './en.ts'

export const LOCALES = ['en', 'de'] as const
export type Locale = (typeof LOCALES)[number]

export type MessageKey = keyof typeof en
/** Another language must say everything that English says. */
export type Messages = Record<MessageKey, string>

type Placeholder<Text> = Text extends `${string}{${infer Name}}${infer Rest}` ? Name | Placeholder<Rest> : never
type Params<Key extends MessageKey> = [Placeholder<(typeof en)[Key]>] extends [never]
  ? []
  : [params: Record<Placeholder<(typeof en)[Key]>, string | number>]

export interface Translate {
  <Key extends MessageKey>(key: Key, ...params: Params<Key>): string
  /** For what the archive may extend, such as record classes: the message, or the value itself. */
  value(prefix: string, value: string): string
  /** As it stands in the catalogue, for scripts that fill it in themselves. */
  raw(key: MessageKey): string
  /** All messages below a prefix, by what follows it. */
  all(prefix: string): [name: string, text: string][]
  /** A message that may not exist. */
  maybe(key: string, params?: Record<string, string | number>): string | undefined
}

const CATALOGUES: Record<Locale, Messages> = { en, de }

export function translator(locale: Locale): Translate {
  const messages: Record<string, string | undefined> = CATALOGUES[locale]
  const plural = new Intl.PluralRules(locale)
  const maybe = (key: string, params?: Record<string, string | number>) => {
    const text = messages[key]
    return text === undefined ? undefined : fill(text, params, plural)
  }
  const t = (key: MessageKey, params?: Record<string, string | number>) => maybe(key, params) ?? key
  const all = (prefix: string) =>
    Object.entries(CATALOGUES[locale]).flatMap(([key, text]): [string, string][] =>
      key.startsWith(`${prefix}.`) ? [[key.slice(prefix.length + 1), text]] : [],
    )
  return Object.assign(t, {
    all,
    maybe,
    raw: (key: MessageKey) => messages[key] ?? key,
    value: (prefix: string, value: string) => maybe(`${prefix}.${value}`) ?? value,
  })
}

/** `one form|other form` is chosen by the parameter `n`. */
function fill(text: string, params: Record<string, string | number> | undefined, plural: Intl.PluralRules): string {
  const [one = '', other = one] = text.split('|')
  const form = plural.select(Number(params?.n ?? 2)) === 'one' ? one : other
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => String(params?.[name] ?? whole))
}
