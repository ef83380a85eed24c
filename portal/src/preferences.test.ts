import { describe, expect, it } from 'vitest'
import { asTheme, localPath, negotiate } from './preferences.ts'

describe('language', () => {
  it.each([
    ['de', 'en', 'de'],
    [undefined, 'de-AT,de;q=0.9,en;q=0.8', 'de'],
    [undefined, 'fr,en;q=0.5,de;q=0.7', 'de'],
    [undefined, 'de;q=0,en', 'en'],
    [undefined, 'fr', 'en'],
    ['xx', null, 'en'],
    [undefined, ';;q=,', 'en'],
  ])('chosen %s, accepted %s: %s', (chosen, accepted, expected) => {
    expect(negotiate(chosen, accepted)).toBe(expected)
  })
})

describe('where a form leads back to', () => {
  it.each(['/customers?search=a&b=c#d', '/', '/a//b'])('may be %s', (path) => {
    expect(localPath(path)).toBe(path)
  })

  it.each([
    '//evil.example',
    '/\\evil.example',
    'https://evil.example',
    '/a\r\nset-cookie: x',
    '',
    null,
    'javascript:x',
  ])('may not be %j', (path) => {
    expect(localPath(path)).toBe('/')
  })
})

it('takes any unknown theme for the system’s', () => {
  expect(asTheme('pink')).toBe('system')
  expect(asTheme('dark')).toBe('dark')
})
