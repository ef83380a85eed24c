/** Control characters and those that change the direction of text: a terminal would obey them. */
const UNSAFE = /[\p{Cc}\p{Zl}\p{Zp}\p{Cs}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu

/** A name or message from elsewhere as it may be printed: what a terminal would obey is spelled out. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (char) => `\\u{${char.codePointAt(0)?.toString(16).padStart(4, '0')}}`)
}

/** @example counted(2, 'document') // "2 documents" */
export function counted(n: number, noun: string, plural = `${noun}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? noun : plural}`
}

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB']

/** @example bytes(1_234_567) // "1.2 MB" */
export function bytes(n: number): string {
  let unit = 0
  while (n >= 999.5 && unit < UNITS.length - 1) {
    n /= 1000
    unit += 1
  }
  return `${unit === 0 || n >= 99.5 ? Math.round(n) : n.toFixed(1)} ${UNITS[unit]}`
}

/** @example duration(75) // "1:15" */
export function duration(seconds: number): string {
  const s = Math.ceil(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  const [hours, minutes] = [Math.floor(s / 3600), Math.floor(s / 60) % 60]
  return hours ? `${hours}:${two(minutes)}:${two(s % 60)}` : `${minutes}:${two(s % 60)}`
}
