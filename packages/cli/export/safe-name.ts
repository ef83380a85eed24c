import { isClutter } from '../import/walk.ts'

/** Names that Windows keeps for devices, with any extension. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?=\.|$)/i
/** Control and text-direction characters, and what Windows does not allow in names. */
const FORBIDDEN = /[<>:"/\\|?*\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu
/** File systems allow 255 bytes; some room is left for a number in case of a clash. */
const MOST_BYTES = 200

/**
 * A name under which a file can exist on Windows, macOS and Linux, as one step of a path.
 *
 * @example safeName('Con: 1/2?.pdf') // "Con_ 1_2_.pdf"
 */
export function safeName(name: string): string {
  const plain = name
    .normalize('NFC')
    .replace(FORBIDDEN, '_')
    .replace(/^\s+|[\s.]+$/gu, '')
  const kept = DEVICE.test(plain) || isClutter(plain) ? `_${plain}` : plain
  return shortened(kept) || '_'
}

function shortened(name: string): string {
  if (Buffer.byteLength(name) <= MOST_BYTES) return name
  const { stem, extension } = split(name)
  let length = 0
  let short = ''
  for (const char of stem) {
    length += Buffer.byteLength(char)
    if (length > MOST_BYTES - Buffer.byteLength(extension)) break
    short += char
  }
  return short.trimEnd() + extension
}

function split(name: string): { stem: string; extension: string } {
  const extension = name.match(/(?<=.)\.[\w-]{1,16}$/)?.[0] ?? ''
  return { stem: name.slice(0, name.length - extension.length), extension }
}

/** Gives each name of one folder only once, also where capitals don't count. */
export function uniqueNames(): (name: string) => string {
  const taken = new Set<string>()
  return (name) => {
    const { stem, extension } = split(name)
    for (let n = 1; ; n++) {
      const candidate = n === 1 ? name : `${stem} (${n})${extension}`
      const key = candidate.normalize('NFC').toLowerCase()
      if (taken.has(key)) continue
      taken.add(key)
      return candidate
    }
  }
}
