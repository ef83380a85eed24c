import { expect, it } from 'vitest'
import { guess } from './guess.ts'

it.each([
  [
    'Rechnung_RE-2024-0815_2024-05-31.pdf',
    {
      title: 'Rechnung RE-2024-0815 2024-05-31',
      recordClass: 'invoice',
      number: 'RE-2024-0815',
      documentDate: '2024-05-31',
    },
  ],
  [
    'RE-2026-0001_2026-01-31.pdf',
    { title: 'RE-2026-0001 2026-01-31', recordClass: 'invoice', number: 'RE-2026-0001', documentDate: '2026-01-31' },
  ],
  [
    'Auftragsbestätigung 31.12.2023.pdf',
    { title: 'Auftragsbestätigung 31.12.2023', recordClass: 'order-confirmation', documentDate: '2023-12-31' },
  ],
  ['framework contract.docx', { title: 'framework contract', recordClass: 'contract' }],
  ['20250230_scan.pdf', { title: '20250230 scan' }],
  ['reader.png', { title: 'reader' }],
  ['.env', { title: '.env' }],
])('reads %s', (name, expected) => {
  expect(guess(name)).toEqual({ recordClass: undefined, number: undefined, documentDate: undefined, ...expected })
})
