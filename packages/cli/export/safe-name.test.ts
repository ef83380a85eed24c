import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { safeName, uniqueNames } from './safe-name.ts'

describe('safeName', () => {
  it.each([
    ['Rechnung 4711.pdf', 'Rechnung 4711.pdf'],
    ['Müller & Söhne – Vertrag.pdf', 'Müller & Söhne – Vertrag.pdf'],
    ['../../etc/passwd', '_.._.._etc_passwd'],
    ['..', '_'],
    ['.', '_'],
    ['', '_'],
    ['a<b>c:d"e|f?g*h.pdf', 'a_b_c_d_e_f_g_h.pdf'],
    ['C:\\Windows', 'C__Windows'],
    ['con', '_con'],
    ['CON.pdf', '_CON.pdf'],
    ['com1.tar.gz', '_com1.tar.gz'],
    ['console.log', 'console.log'],
    ['Bericht. . ', 'Bericht'],
    ['.bashrc', '_.bashrc'],
    ['Thumbs.db', '_Thumbs.db'],
    ['a\u202efdp.exe', 'a_fdp.exe'],
    ['new\nline.pdf', 'new_line.pdf'],
  ])('%j → %j', (name, safe) => expect(safeName(name)).toBe(safe))

  it('shortens long names and keeps the extension', () => {
    const safe = safeName(`${'契'.repeat(255)}.pdf`)
    expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(200)
    expect(safe).toMatch(/^契+\.pdf$/)
  })

  it('gives one step of a path, whatever the name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        const safe = safeName(name)
        expect(safe).not.toMatch(/[/\\<>:"|?*\p{Cc}]|[. ]$|^\.{0,2}$/u)
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(202)
        expect(safeName(safe)).toBe(safe)
      }),
    )
  })
})

it('numbers names that clash, also by case only', () => {
  const unique = uniqueNames()
  expect(['a.pdf', 'A.pdf', 'a.pdf', 'b', 'b', 'a (2).pdf'].map(unique)).toEqual([
    ...['a.pdf', 'A (2).pdf', 'a (3).pdf', 'b', 'b (2)', 'a (2) (2).pdf'],
  ])
})
