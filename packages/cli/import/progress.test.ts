import { expect, it } from 'vitest'
import { bar, standingLine } from './progress.ts'

const half = { done: 50, total: 100, bytes: 5_000_000, totalBytes: 10_000_000, seconds: 10 }

it('draws a bar that fits', () => {
  expect(bar(half, 70)).toBe('[█████████████░░░░░░░░░░░░]  50/100  500 kB/s  5.0 files/s  0:10 left')
  expect(bar(half, 70).length).toBeLessThanOrEqual(70)
  expect(bar(half, 200)).toHaveLength(40 + 4 + '50/100  500 kB/s  5.0 files/s  0:10 left'.length)
  expect(bar(half, 20)).toBe('50/100  500 kB/s  5')
})

it('says the same in a line', () => {
  expect(standingLine(half)).toBe('50 of 100 files  500 kB/s  5.0 files/s  0:10 left')
  expect(standingLine({ ...half, done: 0, bytes: 0, seconds: 0 })).toBe('0 of 100 files  0 B/s  0.0 files/s')
})
