import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CalendarDate, Email, FileName, fold, Line, queryTerms, Reason, Sha256, searchTerms, Text } from './text.ts'

const accepts = (schema: { safeParse(value: unknown): { success: boolean } }, value: unknown) =>
  schema.safeParse(value).success

/** Names that are refused wherever a person reads one. */
const HOSTILE = [
  '',
  '   ',
  '\t',
  'a\0b',
  'line\nbreak',
  'return\rhere',
  'bell\u0007',
  'escape\u001b[31m',
  'delete\u007f',
  'next\u0085line',
  'line\u2028separator',
  'paragraph\u2029separator',
  'invoice\u202egnp.exe',
  'embedded\u202a',
  'isolate\u2066\u2069',
  'mark\u200e',
  'mark\u200f',
  'arabic\u061cmark',
  'bom\ufeffinside',
  'lone\ud800surrogate',
  'lone\udfff',
]

/** Names that are refused where they may become a file's. */
const PATHS = ['.', '..', ' .. ', '../etc/passwd', '..\\..\\boot.ini', '/etc/passwd', 'C:\\x', 'a/b', 'a\\b', '/', '\\']

describe('text', () => {
  it.each(HOSTILE)('refuses %j as a line and as a file name', (text) => {
    expect(accepts(Line(1000), text)).toBe(false)
    expect(accepts(FileName, text)).toBe(false)
  })

  it.each(PATHS)('refuses %j as a file name', (name) => {
    expect(accepts(FileName, name)).toBe(false)
  })

  it('takes the names that people give', () => {
    for (const name of [
      'Rechnung 2024.pdf',
      'Größe.txt',
      '見積書.pdf',
      'a..b',
      '...',
      '👩‍💻.png',
      'Ł.doc',
      "O'Neill & Söhne",
    ])
      expect(FileName.parse(name)).toBe(name)
  })

  it('trims and composes', () => {
    expect(Line(10).parse('  Mu\u0308ller ')).toBe('Müller')
    expect(FileName.parse('A\u030angstro\u0308m')).toBe('Ångström')
  })

  it('measures after composing, and takes exactly as much as it says', () => {
    expect(accepts(Line(5), 'u\u0308'.repeat(5))).toBe(true)
    expect(accepts(Line(5), 'abcdef')).toBe(false)
    expect(accepts(FileName, 'x'.repeat(255))).toBe(true)
    expect(accepts(FileName, 'x'.repeat(256))).toBe(false)
    expect(accepts(FileName, 'x'.repeat(1000))).toBe(false)
  })

  it('accepts as a file name only what can’t leave its folder or read as something else', () => {
    const pieces = fc.constantFrom(
      ...'/\\.\0\n\r\t\u202e\u2066\u200f\ufeff\u2028\u0085 aü',
      'u\u0308',
      '\ud83d',
      '\ude00',
      '😀',
    )
    const name = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(pieces, { maxLength: 20 }).map((all) => all.join('')),
      fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 }).map((units) => String.fromCharCode(...units)),
    )
    let accepted = 0
    fc.assert(
      fc.property(name, (text) => {
        const { success, data } = FileName.safeParse(text)
        if (!success) return
        accepted += 1
        expect(data).not.toMatch(/[/\\]|^\.{1,2}$|^$/)
        for (const character of data) {
          const code = character.codePointAt(0) ?? 0
          expect(code).toBeGreaterThan(0x1f)
          expect(code >= 0x7f && code <= 0x9f).toBe(false)
          expect(code >= 0xd800 && code <= 0xdfff).toBe(false)
          expect([0x61c, 0x200e, 0x200f, 0x2028, 0x2029, 0xfeff]).not.toContain(code)
          expect(code >= 0x202a && code <= 0x202e).toBe(false)
          expect(code >= 0x2066 && code <= 0x2069).toBe(false)
        }
        expect(data).toBe(data.normalize('NFC'))
        expect(data.length).toBeLessThanOrEqual(255)
        expect(FileName.parse(data)).toBe(data)
      }),
      { numRuns: 3000 },
    )
    expect(accepted).toBeGreaterThan(300)
  })

  it('lets notes have lines and tabs, but nothing that hides text', () => {
    expect(Text(100).parse('one\n\ttwo')).toBe('one\n\ttwo')
    expect(accepts(Text(100), 'one\rtwo')).toBe(false)
    expect(accepts(Text(100), 'a\0b')).toBe(false)
    expect(accepts(Text(100), 'a\u202eb')).toBe(false)
    expect(accepts(Text(100), 'a\ud800')).toBe(false)
    expect(accepts(Text(3), 'abcd')).toBe(false)
  })

  it('wants a reason to say something', () => {
    expect(accepts(Reason, ' \n ')).toBe(false)
    expect(accepts(Reason, 'wrong amount')).toBe(true)
    expect(accepts(Reason, 'x'.repeat(1001))).toBe(false)
  })

  it('has one spelling of an e-mail address', () => {
    expect(Email.parse('  Ada@Example.COM ')).toBe('ada@example.com')
    for (const no of [
      '',
      'ada',
      'ada@',
      '@example.com',
      'a b@example.com',
      'ada@example.com\nbcc: x@y.de',
      'a\0@b.de',
      5,
    ])
      expect(accepts(Email, no)).toBe(false)
    expect(accepts(Email, `${'a'.repeat(250)}@b.de`)).toBe(false)
  })

  it('takes days that exist, from 1900 to 2199', () => {
    for (const day of ['1900-01-01', '2024-02-29', '2199-12-31']) expect(accepts(CalendarDate, day)).toBe(true)
    const no = [
      '1899-12-31',
      '2200-01-01',
      '2023-02-29',
      '2100-02-29',
      '2024-13-01',
      '2024-1-1',
      '05.03.2026',
      '',
      null,
    ]
    for (const day of no) expect(accepts(CalendarDate, day)).toBe(false)
  })

  it('takes a SHA-256 in lower-case hex only', () => {
    expect(accepts(Sha256, 'a'.repeat(64))).toBe(true)
    for (const no of ['a'.repeat(63), 'A'.repeat(64), 'g'.repeat(64), `${'a'.repeat(64)}\n`])
      expect(accepts(Sha256, no)).toBe(false)
  })
})

describe('fold', () => {
  it('has one form for the spellings of a name', () => {
    expect(new Set(['Straße', 'STRASSE', 'Strasse', 'STRAẞE'].map(fold))).toEqual(new Set(['strasse']))
    expect(new Set(['Müller', 'Mueller', 'MÜLLER', 'Mu\u0308ller'].map(fold))).toEqual(new Set(['mueller']))
    expect(fold('Łódź')).toBe('lodz')
    expect(fold('Þórður Ægir')).toBe(fold('ÞÓRÐUR ÆGIR'))
    expect(fold('İstanbul')).toBe(fold('istanbul'))
    expect(fold('ﬁrst № 𝐀 Ǿ')).toBe('first no a o')
  })

  it('folds what is folded to itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (text) => {
        expect(fold(fold(text))).toBe(fold(text))
      }),
    )
  })

  it('finds a name with an umlaut by both of its spellings', () => {
    expect(searchTerms(['Müller'])).toEqual(expect.arrayContaining(['mueller', 'muller']))
    for (const query of ['Müller', 'mueller', 'MULLER']) {
      expect(searchTerms(['Müller'])).toContain(queryTerms(query)[0])
    }
  })

  it('splits words as the index does, keeping addresses whole', () => {
    expect(queryTerms(' Muster,  GmbH & Co. ')).toEqual(['muster', 'gmbh', 'co.'])
    expect(queryTerms('ada@archive.example')).toEqual(['ada@archive.example'])
    expect(queryTerms('#%/ ')).toEqual([])
  })

  it('finds the parts of double names and addresses, too', () => {
    const terms = searchTerms(['Müller-Lüdenscheidt', 'ada.lovelace@muster.example'])
    expect(terms).toEqual(expect.arrayContaining(['mueller-luedenscheidt', 'luedenscheidt', 'lovelace', 'muster']))
  })

  it('cuts no character in two', () => {
    for (const text of [`a${'𠮷'.repeat(80)}`, `${'ß'.repeat(29)}a${'𠮷'.repeat(90)}`]) {
      for (const term of [...searchTerms([text]), ...queryTerms(text)]) expect(term.isWellFormed()).toBe(true)
    }
  })
})
