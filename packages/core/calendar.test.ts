import { describe, expect, it } from 'vitest'
import { addMonths, endOfDay, endOfYear, today } from './calendar.ts'

const BERLIN = 'Europe/Berlin'
const utc = (instant: Date) => instant.toISOString()

describe('calendar', () => {
  it('ends a day at midnight in the archive’s zone, in winter and in summer', () => {
    expect(utc(endOfDay('2034-12-31', BERLIN))).toBe('2034-12-31T23:00:00.000Z')
    expect(utc(endOfDay('2034-06-30', BERLIN))).toBe('2034-06-30T22:00:00.000Z')
    expect(utc(endOfDay('2034-12-31', 'America/New_York'))).toBe('2035-01-01T05:00:00.000Z')
    expect(utc(endOfDay('2034-12-31', 'UTC'))).toBe('2035-01-01T00:00:00.000Z')
  })

  it('gives the days on which the clocks change 23 and 25 hours', () => {
    const hours = (before: string, day: string) =>
      (endOfDay(day, BERLIN).getTime() - endOfDay(before, BERLIN).getTime()) / 3600_000
    expect(hours('2026-03-27', '2026-03-28')).toBe(24)
    expect(hours('2026-03-28', '2026-03-29')).toBe(23)
    expect(hours('2026-10-24', '2026-10-25')).toBe(25)
    expect(hours('2026-10-25', '2026-10-26')).toBe(24)
  })

  it('begins the next day later where clocks change at midnight', () => {
    // Beirut skipped from 00:00 to 01:00 on 27 March 2022.
    expect(utc(endOfDay('2022-03-26', 'Asia/Beirut'))).toBe('2022-03-26T22:00:00.000Z')
  })

  it('goes over leap days and the end of a century', () => {
    expect(utc(endOfDay('2028-02-28', 'UTC'))).toBe('2028-02-29T00:00:00.000Z')
    expect(utc(endOfDay('2100-02-28', 'UTC'))).toBe('2100-03-01T00:00:00.000Z')
  })

  it('knows which day it is here, not in Greenwich', () => {
    expect(today(new Date('2026-01-01T22:59:59.999Z'), BERLIN)).toBe('2026-01-01')
    expect(today(new Date('2026-01-01T23:00:00.000Z'), BERLIN)).toBe('2026-01-02')
    expect(today(new Date('2026-07-01T22:00:00.000Z'), BERLIN)).toBe('2026-07-02')
    expect(today(new Date('2026-07-01T02:00:00.000Z'), 'America/New_York')).toBe('2026-06-30')
  })

  it('lets a day last until exactly where the next one begins', () => {
    for (const day of ['2026-03-28', '2026-03-29', '2026-10-25', '2027-12-31', '2028-02-29']) {
      const end = endOfDay(day, BERLIN).getTime()
      expect(today(new Date(end - 1), BERLIN)).toBe(day)
      expect(today(new Date(end), BERLIN) > day).toBe(true)
    }
  })

  it('ends years', () => {
    expect(endOfYear('2026-01-01')).toBe('2026-12-31')
    expect(endOfYear('2024-02-29', 8)).toBe('2032-12-31')
  })

  it('adds months on the calendar, keeping the hour and staying in the month', () => {
    expect(utc(addMonths(new Date('2026-01-31T12:00:00Z'), 1, BERLIN))).toBe('2026-02-28T12:00:00.000Z')
    expect(utc(addMonths(new Date('2026-02-15T11:00:00Z'), 2, BERLIN))).toBe('2026-04-15T10:00:00.000Z')
    expect(utc(addMonths(new Date('2026-02-15T11:00:00Z'), 13, BERLIN))).toBe('2027-03-15T11:00:00.000Z')
  })
})
