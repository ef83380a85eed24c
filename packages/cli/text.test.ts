import { describe, expect, it } from 'vitest'
import { bytes, counted, duration, printable } from './text.ts'

describe('printable', () => {
  it('spells out what a terminal would obey', () => {
    expect(printable('a\u001b[31mb\u202efdp.exe\n')).toBe('a\\u{001b}[31mb\\u{202e}fdp.exe\\u{000a}')
  })

  it('leaves names of any script alone', () => {
    expect(printable('Żółć & Müller – 契約.pdf')).toBe('Żółć & Müller – 契約.pdf')
  })
})

it.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [1_234_567, '1.2 MB'],
  [999_600, '1.0 MB'],
  [250_000_000, '250 MB'],
])('writes %d bytes as %s', (n, text) => expect(bytes(n)).toBe(text))

it('writes durations and counts', () => {
  expect([duration(0.2), duration(75), duration(3661)]).toEqual(['0:01', '1:15', '1:01:01'])
  expect([counted(1, 'file'), counted(2000, 'file'), counted(2, 'copy', 'copies')]).toEqual([
    '1 file',
    '2,000 files',
    '2 copies',
  ])
})
