import { bytes, duration } from '../text.ts'

export interface Standing {
  done: number
  total: number
  bytes: number
  totalBytes: number
  /** Since the beginning. */
  seconds: number
}

export interface Progress {
  add(bytes: number): void
  stop(): void
}

const BAR_MS = 100
const LINE_MS = 5000

/** Show how far we are: a bar on a terminal, elsewhere a line every few seconds. */
export function showProgress(total: number, totalBytes: number, out = process.stderr): Progress {
  const begin = performance.now()
  const standing = { done: 0, total, bytes: 0, totalBytes }
  const now = (): Standing => ({ ...standing, seconds: (performance.now() - begin) / 1000 })
  const draw = out.isTTY
    ? () => out.write(`\r${bar(now(), out.columns || 80)}\u001b[K`)
    : () => out.write(`${standingLine(now())}\n`)
  const timer = setInterval(draw, out.isTTY ? BAR_MS : LINE_MS)
  return {
    add(size) {
      standing.done += 1
      standing.bytes += size
    },
    stop() {
      clearInterval(timer)
      if (out.isTTY) out.write('\r\u001b[K')
    },
  }
}

/** @param columns  width of the terminal */
export function bar(standing: Standing, columns: number): string {
  const { done, total } = standing
  const words = `${done}/${total}  ${speed(standing)}`
  const width = Math.min(40, columns - words.length - 5)
  if (width < 5) return words.slice(0, Math.max(columns - 1, 0))
  const full = Math.round(width * shareOf(standing))
  return `[${'█'.repeat(full)}${'░'.repeat(width - full)}]  ${words}`
}

export function standingLine(standing: Standing): string {
  return `${standing.done} of ${standing.total} files  ${speed(standing)}`
}

function speed(standing: Standing): string {
  const { done, bytes: sent, seconds } = standing
  const share = shareOf(standing)
  const perSecond = seconds > 0 ? done / seconds : 0
  const left = share > 0 ? `  ${duration((seconds * (1 - share)) / share)} left` : ''
  return `${bytes(seconds > 0 ? sent / seconds : 0)}/s  ${perSecond.toFixed(perSecond < 10 ? 1 : 0)} files/s${left}`
}

/** Small files cost by number, large ones by size: the mean of both is near enough. */
function shareOf({ done, total, bytes: sent, totalBytes }: Standing): number {
  return total > 0 ? (done / total + (totalBytes > 0 ? sent / totalBytes : 1)) / 2 : 1
}
