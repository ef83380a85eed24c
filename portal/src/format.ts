import type { Locale } from './messages/index.ts'

const TAGS: Record<Locale, string> = { en: 'en-GB', de: 'de-DE' }
const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']

/** Dates, sizes and numbers as the reader's language writes them. */
export interface Format {
  /** A calendar date (YYYY-MM-DD) or the day of an instant in the archive's zone. */
  date(value: string): string
  dateTime(instant: string): string
  size(bytes: number): string
  number(value: number): string
  list(values: string[]): string
  country(code: string): string
}

export function formatter(locale: Locale, zone: string): Format {
  const tag = TAGS[locale]
  const day = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeZone: zone })
  const calendar = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeZone: 'UTC' })
  const minute = new Intl.DateTimeFormat(tag, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone })
  const number = new Intl.NumberFormat(tag)
  const list = new Intl.ListFormat(tag, { type: 'conjunction' })
  const regions = new Intl.DisplayNames(tag, { type: 'region' })
  return {
    date: (value) => (/^\d{4}-\d{2}-\d{2}$/.test(value) ? calendar : day).format(new Date(value)),
    dateTime: (instant) => minute.format(new Date(instant)),
    size(bytes) {
      const power = bytes < 1000 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log10(bytes) / 3))
      const maximumFractionDigits = power < 2 ? 0 : 1
      const unit = UNITS[power]
      return new Intl.NumberFormat(tag, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits }).format(
        bytes / 1000 ** power,
      )
    },
    number: (value) => number.format(value),
    list: (values) => list.format(values),
    country: (code) => regions.of(code) ?? code,
  }
}
