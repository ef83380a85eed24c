/** A shell's Ctrl-C reaches this process and also the one that started it, which passes it on: these are one. */
const SAME_MS = 500

export interface Interrupt {
  signal: AbortSignal
  /** What to exit with, once interrupted. */
  exitCode(): number
}

/** Stop at the next good moment when asked to; at once when asked a second time. */
export function onInterrupt(stopping: () => void): Interrupt {
  const controller = new AbortController()
  let code = 0
  let since = 0
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.on(signal, () => {
      if (code && performance.now() - since < SAME_MS) return
      if (code) process.exit(code)
      code = status
      since = performance.now()
      stopping()
      controller.abort()
    })
  }
  return { signal: controller.signal, exitCode: () => code }
}
