import * as z from 'zod'
import { endOfYear } from './calendar.ts'

export const RecordClass = z
  .enum([
    'contract',
    'quote',
    'order',
    'order-confirmation',
    'delivery-note',
    'invoice',
    'credit-note',
    'dunning-letter',
    'correspondence',
    'report',
  ])
  .meta({ id: 'RecordClass' })
export type RecordClass = z.infer<typeof RecordClass>

/** What must have happened before a period can begin. */
export type StartEvent = 'document-date' | 'contract-end'

export interface RetentionRule {
  /** Full years after the end of the calendar year in which the start event lies. */
  years: number
  startEvent: StartEvent
  /** The norm, as it is quoted to an auditor. */
  basis: string
}

export interface RetentionSchedule {
  version: number
  /** Where the periods were read, and the day on which that was last done. */
  source: string
  checked: string
  rules: Record<RecordClass, RetentionRule>
}

const LETTER = {
  years: 6,
  startEvent: 'document-date',
  basis: '§ 147 (1) no. 2–3, (3) AO; § 257 (1) no. 2–3, (4) HGB',
} as const
const VOUCHER = {
  years: 8,
  startEvent: 'document-date',
  basis: '§ 147 (1) no. 4, (3) AO; § 257 (1) no. 4, (4) HGB',
} as const

/**
 * German default periods. Vouchers: 8 years since 1 January 2025 (Viertes Bürokratieentlastungsgesetz), 10 before;
 * commercial and business letters: 6 years. The period begins at the end of the calendar year (§ 147 (4) AO).
 */
export const DEFAULT_SCHEDULE: RetentionSchedule = {
  version: 1,
  source: 'https://www.gesetze-im-internet.de/ao_1977/__147.html, https://www.gesetze-im-internet.de/hgb/__257.html',
  checked: '2026-11-22',
  rules: {
    contract: { ...LETTER, startEvent: 'contract-end' },
    quote: LETTER,
    order: LETTER,
    'order-confirmation': LETTER,
    'delivery-note': VOUCHER,
    invoice: VOUCHER,
    'credit-note': VOUCHER,
    'dunning-letter': LETTER,
    correspondence: LETTER,
    report: LETTER,
  },
}

export const Retention = z
  .object({
    /** The last day of the period, in the archive's zone; `null` while the start event has not happened. */
    retainUntil: z.iso.date().nullable(),
    /** The day after which the years count. */
    startsOn: z.iso.date().nullable(),
    years: z.number().int(),
    startEvent: z.enum(['document-date', 'contract-end']),
    basis: z.string(),
    schedule: z.number().int(),
    /** One sentence with all of it. */
    explanation: z.string(),
  })
  .meta({ id: 'Retention' })
export type Retention = z.infer<typeof Retention>

export interface Retainable {
  recordClass: RecordClass
  documentDate: string
  contractEnd?: string
}

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')

/**
 * How long a document must be kept, and why.
 *
 * @param document.documentDate  YYYY-MM-DD; `contractEnd` likewise
 * @see § 147 (3), (4) AO; § 257 (4), (5) HGB
 */
export function retentionOf(document: Retainable, schedule = DEFAULT_SCHEDULE): Retention {
  const { years, startEvent, basis } = schedule.rules[document.recordClass]
  const event = startEvent === 'contract-end' ? document.contractEnd : document.documentDate
  const startsOn = event ? endOfYear(event) : null
  const retainUntil = event ? endOfYear(event, years) : null
  const noun = document.recordClass.replace('-', ' ')
  const from = startsOn
    ? `from ${startsOn.slice(8)} ${MONTHS[Number(startsOn.slice(5, 7)) - 1]} ${startsOn.slice(0, 4)}`
    : 'from the end of the contract, which is not recorded yet'
  const explanation = `${years} years ${from}: ${noun}, ${basis}; schedule v${schedule.version}`
  return { retainUntil, startsOn, years, startEvent, basis, schedule: schedule.version, explanation }
}
