import { Temporal } from 'temporal-polyfill'

/** The day it is in the archive's zone, as YYYY-MM-DD. */
export function today(now: Date, zone: string): string {
  return Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone).toPlainDate().toString()
}

/** The instant at which the day after `date` begins in the archive's zone: until then `date` lasts. */
export function endOfDay(date: string, zone: string): Date {
  const next = Temporal.PlainDate.from(date).add({ days: 1 }).toZonedDateTime(zone)
  return new Date(next.epochMilliseconds)
}

/** The last day of the calendar year `years` after the one that `date` lies in. */
export function endOfYear(date: string, years = 0): string {
  return `${Number(date.slice(0, 4)) + years}-12-31`
}

export function addMonths(now: Date, months: number, zone: string): Date {
  const then = Temporal.Instant.fromEpochMilliseconds(now.getTime()).toZonedDateTimeISO(zone).add({ months })
  return new Date(then.epochMilliseconds)
}
