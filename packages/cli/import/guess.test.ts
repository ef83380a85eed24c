import { describe, expect, it } from 'vitest'
import { classOf, dateIn, localDate, mediaTypeOf, titleOf } from './guess.ts'

describe('classOf', () => {
  it.each([
    [['Rechnungen'], 'invoice'],
    [['Invoices', '2024'], 'invoice'],
    [['Eingangsrechnungen'], 'invoice'],
    [['Verträge'], 'contract'],
    [['Vertra\u0308ge'], 'contract'],
    [['Rahmenvertrag Havel'], 'contract'],
    [['Angebote'], 'quote'],
    [['QUOTES'], 'quote'],
    [['Aufträge'], 'order'],
    [['Purchase orders'], 'order'],
    [['Auftragsbestätigungen'], 'order-confirmation'],
    [['Order confirmations'], 'order-confirmation'],
    [['Gutschriften'], 'credit-note'],
    [['Lieferscheine'], 'delivery-note'],
    [['Mahnungen'], 'dunning-letter'],
    [['Prüfberichte'], 'report'],
    [['Schriftverkehr'], 'correspondence'],
    [['Rechnungen', 'Verträge'], 'contract'],
    [['Rechnungen', '2024', 'Q1'], 'invoice'],
    [['Ordner 7'], 'correspondence'],
    [['Statische Berechnungen'], 'correspondence'],
    [['Borders'], 'correspondence'],
    [[], 'correspondence'],
  ] as const)('%j → %s', (folders, wanted) => expect(classOf([...folders])).toBe(wanted))
})

describe('dateIn', () => {
  it.each([
    ['2024-01-31 Rechnung.pdf', '2024-01-31'],
    ['scan_20240131.pdf', '2024-01-31'],
    ['Rechnung vom 31.01.2024.pdf', '2024-01-31'],
    ['Rechnung vom 1.2.2024.pdf', '2024-02-01'],
    ['01.02.2024 bis 2024-03-04.pdf', '2024-03-04'],
    ['RE-2024-13-01 2024-02-30 2024-02-29.pdf', '2024-02-29'],
    ['12345678.pdf', undefined],
    ['20230229.pdf', undefined],
    ['1202401310.pdf', undefined],
    ['0001-01-01.pdf', undefined],
    ['2300-01-01.pdf', undefined],
    ['Rechnung.pdf', undefined],
  ])('%s → %s', (name, wanted) => expect(dateIn(name)).toBe(wanted))
})

it('takes the local day of an instant', () => {
  expect(localDate(new Date(2024, 0, 31, 23, 59))).toBe('2024-01-31')
  expect(localDate(new Date(-1e13))).toBe(localDate(new Date()))
})

it.each([
  ['Rechnung 4711.pdf', 'Rechnung 4711'],
  ['archive.tar.gz', 'archive.tar'],
  ['LIESMICH', 'LIESMICH'],
  ['Vertrag v1. Teil eins', 'Vertrag v1. Teil eins'],
  ['.pdf', '.pdf'],
])('titles %s %s', (name, title) => expect(titleOf(name)).toBe(title))

it('knows media types by extension', () => {
  expect(mediaTypeOf('A.PDF')).toBe('application/pdf')
  expect(mediaTypeOf('a.constructor')).toBe('application/octet-stream')
  expect(mediaTypeOf('noextension')).toBe('application/octet-stream')
})
