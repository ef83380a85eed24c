import { describe, expect, it } from 'vitest'
import { DEFAULT_SCHEDULE, RecordClass, retentionOf } from './retention.ts'

const BY_DATE: [RecordClass, number][] = [
  ['quote', 6],
  ['order', 6],
  ['order-confirmation', 6],
  ['dunning-letter', 6],
  ['correspondence', 6],
  ['report', 6],
  ['delivery-note', 8],
  ['invoice', 8],
  ['credit-note', 8],
]

describe('retention', () => {
  it('has a rule for every record class', () => {
    expect([...BY_DATE.map(([name]) => name), 'contract'].sort()).toEqual([...RecordClass.options].sort())
    expect(Object.keys(DEFAULT_SCHEDULE.rules).sort()).toEqual([...RecordClass.options].sort())
  })

  it.each(BY_DATE)('keeps a %s for %i years from the end of its calendar year', (recordClass, years) => {
    expect(retentionOf({ recordClass, documentDate: '2026-03-05' })).toMatchObject({
      retainUntil: `${2026 + years}-12-31`,
      startsOn: '2026-12-31',
      years,
      startEvent: 'document-date',
    })
  })

  it('gives both ends of a year the same period, and the next day a year more', () => {
    const until = (documentDate: string) => retentionOf({ recordClass: 'invoice', documentDate }).retainUntil
    expect(until('2024-01-01')).toBe('2032-12-31')
    expect(until('2024-12-31')).toBe('2032-12-31')
    expect(until('2025-01-01')).toBe('2033-12-31')
  })

  it('counts a leap day as any other', () => {
    expect(retentionOf({ recordClass: 'quote', documentDate: '2024-02-29' }).retainUntil).toBe('2030-12-31')
    expect(
      retentionOf({ recordClass: 'contract', documentDate: '2020-01-01', contractEnd: '2028-02-29' }),
    ).toMatchObject({
      retainUntil: '2034-12-31',
      startsOn: '2028-12-31',
    })
  })

  it('holds at both ends of the dates an archive takes', () => {
    expect(retentionOf({ recordClass: 'invoice', documentDate: '1900-01-01' }).retainUntil).toBe('1908-12-31')
    expect(retentionOf({ recordClass: 'invoice', documentDate: '2199-12-31' }).retainUntil).toBe('2207-12-31')
  })

  it('leaves a contract open until its end is recorded, whatever its date', () => {
    expect(retentionOf({ recordClass: 'contract', documentDate: '1999-01-01' })).toMatchObject({
      retainUntil: null,
      startsOn: null,
      years: 6,
      startEvent: 'contract-end',
    })
    const ended = retentionOf({ recordClass: 'contract', documentDate: '1999-01-01', contractEnd: '2025-06-30' })
    expect(ended.retainUntil).toBe('2031-12-31')
  })

  it('takes no notice of a contract’s end on anything else', () => {
    const letter = { recordClass: 'correspondence', documentDate: '2020-05-05', contractEnd: '2090-01-01' } as const
    expect(retentionOf(letter).retainUntil).toBe('2026-12-31')
  })

  it('explains itself: years, start, class, norm and schedule', () => {
    expect(retentionOf({ recordClass: 'credit-note', documentDate: '2026-03-05' }).explanation).toBe(
      '8 years from 31 Dec 2026: credit note, § 147 (1) no. 4, (3) AO; § 257 (1) no. 4, (4) HGB; schedule v1',
    )
    expect(retentionOf({ recordClass: 'contract', documentDate: '2026-03-05' }).explanation).toBe(
      '6 years from the end of the contract, which is not recorded yet: contract, ' +
        '§ 147 (1) no. 2–3, (3) AO; § 257 (1) no. 2–3, (4) HGB; schedule v1',
    )
  })
})
