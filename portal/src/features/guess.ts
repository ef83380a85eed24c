/** What a file's name gives away, to be corrected by whoever files it. */
export interface Guess {
  title: string
  recordClass?: string
  number?: string
  documentDate?: string
}

const CLASSES: [string, RegExp][] = [
  ['order-confirmation', /auftragsbest|order[ _-]?confirm/i],
  ['credit-note', /gutschrift|credit[ _-]?note/i],
  ['dunning-letter', /mahnung|zahlungserinnerung|dunning|reminder/i],
  ['delivery-note', /lieferschein|delivery[ _-]?note|packing[ _-]?slip/i],
  ['invoice', /rechnung|invoice|(^|[^a-z])(re|inv)[ _-]?\d/i],
  ['contract', /vertrag|contract|agreement/i],
  ['quote', /angebot|offer|quot(e|ation)/i],
  ['order', /bestellung|auftrag|purchase[ _-]?order|(^|[ _-])order/i],
  ['report', /bericht|protokoll|report|minutes/i],
  ['correspondence', /brief|schreiben|letter|e-?mail|\.(eml|msg)$/i],
]

const NUMBER =
  /(?:^|[ _])((?:RE|RG|INV|AB|AN|AG|LS|GS|VT)[-_ ]?\d{2,4}[-_/]?\d{1,8}|(?:RE|RG|INV|AB|AN|LS|GS)[-_ ]?\d{3,})/i

export function guess(fileName: string): Guess {
  const stem = fileName.replace(/\.[a-z0-9]{1,5}$/i, '')
  const title = stem.replace(/[_\s]+/g, ' ').trim() || fileName
  const recordClass = CLASSES.find(([, pattern]) => pattern.test(fileName))?.[0]
  const number = NUMBER.exec(stem)?.[1]?.replace(/_/g, '-')
  return { title, recordClass, number, documentDate: dateIn(stem.replace(NUMBER, ' ')) }
}

/** 2024-05-31, 20240531, 31.05.2024 or 31-05-2024. */
function dateIn(text: string): string | undefined {
  const iso = /(?:^|\D)((?:19|20)\d\d)[-_. ]?(\d\d)[-_. ]?(\d\d)(?!\d)/.exec(text)
  const german = /(?:^|\D)(\d\d)[-_. ](\d\d)[-_. ]((?:19|20)\d\d)(?!\d)/.exec(text)
  const [year, month, day] = iso ? iso.slice(1) : german ? german.slice(1).reverse() : []
  const date = `${year}-${month}-${day}`
  const parsed = new Date(`${date}T00:00:00Z`)
  return !Number.isNaN(parsed.getTime()) && parsed.toISOString().startsWith(date) ? date : undefined
}
