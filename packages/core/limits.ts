import { ArchiveError } from './errors.ts'
import type { Item, Key, Write } from './ports.ts'

/** DynamoDB's limits. Every table checks them before it writes, so that all refuse the same with the same words. */
export const LIMITS = {
  writes: 100,
  keys: 100,
  itemBytes: 400 * 1024,
  transactionBytes: 4 * 1024 * 1024,
  pageBytes: 1024 * 1024,
  partitionKeyBytes: 2048,
  sortKeyBytes: 1024,
  depth: 32,
}

/** A write that passed every limit, detached from the objects it came from. */
export interface CheckedWrite {
  write: Write
  key: Key
  /** The item as JSON and its size; only of a put. */
  put?: { body: string; bytes: number }
}

/**
 * Check one transaction against the limits.
 *
 * @throws {ArchiveError} `transaction-too-large` | `item-too-large` | `duplicate-write` | `invalid-key` | `invalid-item`
 */
export function checkWrites(writes: Write[]): CheckedWrite[] {
  if (writes.length > LIMITS.writes) {
    throw tooLarge('transaction-too-large', `A transaction holds at most ${LIMITS.writes} writes.`)
  }
  const seen = new Set<string>()
  let total = 0
  return writes.map((write) => {
    const { pk, sk } = 'put' in write ? write.put : 'delete' in write ? write.delete : write.check
    const key = { pk, sk }
    checkKey(key)
    const identity = JSON.stringify([pk, sk])
    if (seen.has(identity)) {
      throw new ArchiveError('invalid', 'duplicate-write', 'A transaction writes each row once.', { key })
    }
    seen.add(identity)
    if (!('put' in write)) return { write: structuredClone(write), key }
    const bytes = checkItem(write.put)
    total += bytes
    if (total > LIMITS.transactionBytes) {
      throw tooLarge('transaction-too-large', 'A transaction holds at most 4 MB.')
    }
    return { write: { ...write, if: structuredClone(write.if) }, key, put: { body: JSON.stringify(write.put), bytes } }
  })
}

/** @throws {ArchiveError} `invalid-key` when empty, not well-formed or longer than DynamoDB takes */
export function checkKey({ pk, sk }: Key): void {
  checkKeyString('pk', pk, LIMITS.partitionKeyBytes)
  checkKeyString('sk', sk, LIMITS.sortKeyBytes)
}

/** @throws {ArchiveError} `invalid-key` */
export function checkKeyString(name: string, value: unknown, maximum: number): void {
  if (typeof value !== 'string' || value === '' || !value.isWellFormed() || Buffer.byteLength(value) > maximum) {
    throw new ArchiveError('malformed', 'invalid-key', `A key's ${name} is text of 1 to ${maximum} bytes.`)
  }
}

function checkItem(item: Item): number {
  if (!isCount(item.rev) || !isCount(item.v)) throw invalid('rev and v are whole numbers from 1')
  if (item.expires !== undefined && !Number.isSafeInteger(item.expires)) throw invalid('expires is whole seconds')
  if (item.gsi1pk !== undefined) checkKeyString('gsi1pk', item.gsi1pk, LIMITS.partitionKeyBytes)
  if (item.gsi1sk !== undefined) checkKeyString('gsi1sk', item.gsi1sk, LIMITS.sortKeyBytes)
  const bytes = sizeOfMembers(item as unknown as Record<string, unknown>, 0)
  if (bytes > LIMITS.itemBytes) throw tooLarge('item-too-large', 'A row holds at most 400 KB.')
  return bytes
}

/**
 * Size by DynamoDB's published rule: UTF-8 bytes of names and texts, about half a byte per digit, one byte for
 * `true`, `false` and `null`, three for a list or map plus one for each of its elements.
 */
function sizeOf(value: unknown, depth: number): number {
  if (depth > LIMITS.depth) throw invalid(`values nest at most ${LIMITS.depth} levels`)
  if (value === null || typeof value === 'boolean') return 1
  if (typeof value === 'string') {
    if (!value.isWellFormed()) throw invalid('text must be well-formed Unicode')
    return Buffer.byteLength(value)
  }
  if (typeof value === 'number') return sizeOfNumber(value)
  if (Array.isArray(value)) {
    let bytes = 3
    // By index: iteration methods skip holes.
    for (let i = 0; i < value.length; i += 1) {
      if (value[i] === undefined) throw invalid('a list has no undefined elements')
      bytes += sizeOf(value[i], depth + 1) + 1
    }
    return bytes
  }
  if (isPlainObject(value)) return 3 + sizeOfMembers(value, depth + 1) + Object.keys(value).length
  throw invalid(`values are JSON, not ${Object.prototype.toString.call(value)}`)
}

function sizeOfMembers(object: Record<string, unknown>, depth: number): number {
  let bytes = 0
  for (const [name, value] of Object.entries(object)) {
    if (value === undefined) continue
    if (name === '' || !name.isWellFormed()) throw invalid('attribute names are well-formed and not empty')
    bytes += Buffer.byteLength(name) + sizeOf(value, depth)
  }
  return bytes
}

function sizeOfNumber(value: number): number {
  const magnitude = Math.abs(value)
  if (!Number.isFinite(value) || magnitude > 9.99e125 || (magnitude > 0 && magnitude < 1e-130)) {
    throw invalid(`the number ${value} cannot be stored`)
  }
  const digits = String(magnitude)
    .replace(/e.*$/, '')
    .replace('.', '')
    .replace(/^0+|0+$/g, '')
  return Math.ceil(digits.length / 2) + (value < 0 ? 2 : 1)
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) >= 1
}

function invalid(message: string): ArchiveError {
  return new ArchiveError('invalid', 'invalid-item', `This row cannot be stored: ${message}.`)
}

function tooLarge(code: string, message: string): ArchiveError {
  return new ArchiveError('too-large', code, message)
}
