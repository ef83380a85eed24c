import * as z from 'zod'

/** Control, line-separating and bidirectional-override characters: they can make a name read as another one. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u
/** Several lines may hold tabs and line feeds. */
const UNSAFE_IN_TEXT = /(?![\t\n])[\p{Cc}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const unsafe = 'contains control or text-direction characters: remove them'

/** One line that a person reads: a title, a name. Trimmed, NFC. */
export const Line = (max: number) =>
  z
    .string()
    .trim()
    .normalize('NFC')
    .min(1, 'must not be empty')
    .max(max, `is longer than ${max} characters: shorten it`)
    .refine((text) => !UNSAFE.test(text), unsafe)

/** Several lines that a person reads: notes, a reason. */
export const Text = (max: number) =>
  z
    .string()
    .trim()
    .normalize('NFC')
    .max(max, `is longer than ${max} characters: shorten it`)
    .refine((text) => !UNSAFE_IN_TEXT.test(text), unsafe)

/** Why something was done: never empty, it is read in an audit. */
export const Reason = Text(1000).min(1, 'say why')

/** A name that may become a directory or file name on export. */
export const FileName = Line(255)
  .refine((name) => !/[/\\]/.test(name), 'contains a path separator: give the name only')
  .refine((name) => name !== '.' && name !== '..', 'is not a file name')

export const Email = z
  .string()
  .trim()
  .toLowerCase()
  .normalize('NFC')
  .max(254)
  .regex(z.regexes.email, 'is not an e-mail address')

export const Sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'is not a SHA-256: give 64 lower-case hexadecimal digits')

/** A day without time or zone (ISO 8601), within the years an archive can hold. */
export const CalendarDate = z.iso
  .date('is not a date: give YYYY-MM-DD')
  .refine((date) => date >= '1900-01-01' && date <= '2199-12-31', 'must lie between 1900 and 2199')

const GERMAN: Record<string, string> = { ä: 'ae', ö: 'oe', ü: 'ue', ß: 'ss', ł: 'l', ø: 'o', đ: 'd', ı: 'i' }
const spelledOut = (text: string) => text.replace(/[äöüßłøđı]/g, (letter) => GERMAN[letter] ?? letter)
const plain = (text: string) => text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()

/** Lower case, umlauts and ß spelled out, other marks dropped: how names are sorted and compared. */
export function fold(text: string): string {
  return spelledOut(plain(spelledOut(text.normalize('NFC').toLowerCase())))
}

/** The first `most` characters: unlike `slice` it cuts none in two. */
export function firstOf(text: string, most: number): string {
  return [...text].slice(0, most).join('')
}

const words = (text: string) => text.split(/[^\p{L}\p{N}@._+-]+/u).filter(Boolean)

const withParts = (word: string) => [word, ...word.split(/[@._+-]+/).filter(Boolean)]

const MOST_TERM = 60

/** The words by which a text is found: Müller-Lüdi by "mueller", by "muller" and by "luedi". */
export function searchTerms(texts: string[]): string[] {
  const terms = new Set<string>()
  for (const word of texts.flatMap(words).flatMap(withParts)) {
    for (const term of [fold(word), plain(word)]) terms.add(firstOf(term, MOST_TERM))
  }
  return [...terms]
}

/** The words of a query, folded as the index is. */
export function queryTerms(query: string): string[] {
  return words(query).map((word) => firstOf(fold(word), MOST_TERM))
}
