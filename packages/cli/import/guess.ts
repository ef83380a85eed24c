import type { RecordClass } from '@registratur/core/retention'
import { fold } from '@registratur/core/text'

/** Where a name says two things, the first rule holds: a confirmation of an order is no order. */
const CLASSES: [RegExp, RecordClass][] = [
  [
    /(auftrags|bestell|bestellungs)bestaetigung|order[ _-]?confirmation|confirmations? of orders?/,
    'order-confirmation',
  ],
  [/gutschrift|credit[ _-]?note/, 'credit-note'],
  [/lieferschein|delivery[ _-]?(note|slip)|packing[ _-]?(list|slip)/, 'delivery-note'],
  [/mahnung|mahnbescheid|mahnschreiben|zahlungserinnerung|dunning|payment[ _-]?reminder/, 'dunning-letter'],
  [/(?<!be)rechnung|invoice|faktur/, 'invoice'],
  [/angebot|offerte|kostenvoranschl|\bquot(e|ation)s?\b|\boffers?\b/, 'quote'],
  [/vertrag|vertraeg|vereinbarung|contract|agreement/, 'contract'],
  [/auftrag|auftraeg|bestellung|\borders?\b/, 'order'],
  [/bericht|\breports?\b/, 'report'],
  [/schriftverkehr|korrespondenz|correspondence|\bbriefe?\b|\bletters?\b/, 'correspondence'],
]

/**
 * What the folders a file lies in say about its record class, the innermost first.
 *
 * @example classOf(['Rechnungen', '2024']) // 'invoice'
 */
export function classOf(folders: string[]): RecordClass {
  for (const folder of folders.toReversed()) {
    const name = fold(folder)
    const rule = CLASSES.find(([pattern]) => pattern.test(name))
    if (rule) return rule[1]
  }
  return 'correspondence'
}

const DATES: [RegExp, order: 'ymd' | 'dmy'][] = [
  [/(?<!\d)(\d{4})-(\d\d)-(\d\d)(?!\d)/g, 'ymd'],
  [/(?<!\d)(\d{4})(\d\d)(\d\d)(?!\d)/g, 'ymd'],
  [/(?<!\d)(\d\d?)\.(\d\d?)\.(\d{4})(?!\d)/g, 'dmy'],
]

/**
 * The first day that a name holds as YYYY-MM-DD, else as YYYYMMDD, else as DD.MM.YYYY.
 *
 * @example dateIn('Rechnung 31.01.2024.pdf') // '2024-01-31'
 */
export function dateIn(name: string): string | undefined {
  for (const [pattern, order] of DATES) {
    for (const [, a = '', b = '', c = ''] of name.matchAll(pattern)) {
      const date = order === 'ymd' ? realDate(a, b, c) : realDate(c, b, a)
      if (date) return date
    }
  }
  return undefined
}

function realDate(year: string, month: string, day: string): string | undefined {
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`
  const date = new Date(`${text}T00:00:00Z`)
  const exists = !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
  return exists && year >= '1900' && year <= '2199' ? text : undefined
}

/** The day of an instant where this machine is. */
export function localDate(instant: Date): string {
  const two = (n: number) => String(n).padStart(2, '0')
  const date = `${instant.getFullYear()}-${two(instant.getMonth() + 1)}-${two(instant.getDate())}`
  return date >= '1900-01-01' && date <= '2199-12-31' ? date : localDate(new Date())
}

/** A file's name without its extension, as a title. */
export function titleOf(fileName: string): string {
  return fileName.replace(/(?<=.)\.[^.\s]{1,10}$/, '').trim() || fileName
}

const MEDIA_TYPES: Record<string, string> = {
  pdf: 'application/pdf',
  png: 'image/png',
  jpg: 'image/jpeg',
  jpeg: 'image/jpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  txt: 'text/plain',
  csv: 'text/csv',
  html: 'text/html',
  htm: 'text/html',
  xml: 'application/xml',
  json: 'application/json',
  zip: 'application/zip',
  eml: 'message/rfc822',
  msg: 'application/vnd.ms-outlook',
  rtf: 'application/rtf',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
}

export function mediaTypeOf(fileName: string): string {
  const extension = fileName.split('.').at(-1)?.toLowerCase() ?? ''
  return (Object.hasOwn(MEDIA_TYPES, extension) && MEDIA_TYPES[extension]) || 'application/octet-stream'
}
