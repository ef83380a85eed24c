import { expect, it } from 'vitest'
import { de } from './de.ts'
import { en } from './en.ts'
import { translator } from './index.ts'

const placeholders = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort()

it('says the same in both languages, with the same blanks', () => {
  expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort())
  for (const [key, text] of Object.entries(en)) {
    const other = de[key as keyof typeof de]
    expect([...new Set(placeholders(other))], key).toEqual([...new Set(placeholders(text))])
    expect(other.split('|').length, key).toBe(text.split('|').length)
  }
})

it('fills in and chooses between one and many', () => {
  const t = translator('en')
  expect(t('upload.summary.waiting', { n: 1 })).toBe('1 file ready')
  expect(t('upload.summary.waiting', { n: 0 })).toBe('0 files ready')
  expect(t('customer.created', { id: '{id} $& |' })).toBe('{id} $& | was created.')
  expect(t.value('class', 'of-our-own')).toBe('of-our-own')
})
