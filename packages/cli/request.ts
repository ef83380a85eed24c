import { setTimeout as pause } from 'node:timers/promises'

/** The archive's own answer that something is not possible, in a sentence that says what to do. */
export class Refused extends Error {
  readonly status: number
  readonly code: string
  /** Milliseconds after which the archive asks to try again. */
  readonly retryAfter: number | undefined

  constructor(status: number, code: string, message: string, retryAfter?: number) {
    super(message)
    this.name = 'Refused'
    this.status = status
    this.code = code
    this.retryAfter = retryAfter
  }
}

/** No answer came: the connection was refused, or broke. */
export class Unreachable extends Error {
  constructor(cause: unknown) {
    super(`no answer (${reasonOf(cause)})`, { cause })
    this.name = 'Unreachable'
  }
}

function reasonOf(error: unknown): string {
  const { cause } = error as { cause?: unknown }
  const { code, message } = (cause ?? error) as { code?: string; message?: string }
  return code ?? message ?? 'the connection broke'
}

interface Reply {
  readonly ok: boolean
  readonly status: number
  readonly headers: Headers
  json(): Promise<unknown>
  text(): Promise<string>
}

/**
 * Send a request once and read its answer.
 *
 * @throws {Refused} when the archive answers with a problem
 * @throws {Unreachable}
 */
export async function send<R extends Reply, T>(request: () => Promise<R>, read: (reply: R) => Promise<T>): Promise<T> {
  try {
    const reply = await request()
    if (reply.ok) return await read(reply)
    throw refusal(reply, await reply.text())
  } catch (error) {
    const { cause } = error as Error
    // The file that was being sent has changed or gone.
    if (cause instanceof DOMException && cause.name === 'NotReadableError') throw cause
    // fetch rejects with a TypeError whenever the network fails, also in the middle of a body.
    if (error instanceof TypeError || (error as Error).name === 'AbortError') throw new Unreachable(error)
    throw error
  }
}

/** @param body  a problem document, or whatever something between us and the archive says */
function refusal(reply: Reply, body: string): Refused {
  const problem = parsed(body) as { code?: unknown; detail?: unknown } | undefined
  const detail =
    typeof problem?.detail === 'string' ? problem.detail : `The archive answered with status ${reply.status}.`
  const code = typeof problem?.code === 'string' ? problem.code : ''
  const seconds = Number(reply.headers.get('retry-after') ?? Number.NaN)
  return new Refused(reply.status, code, detail, seconds >= 0 ? seconds * 1000 : undefined)
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Refusals that pass: nothing was done, and the same request may succeed soon. */
const PASSING = new Set(['changed-meanwhile', 'upload-not-verified'])

function passes(error: unknown): error is Refused | Unreachable {
  if (error instanceof Unreachable) return true
  return error instanceof Refused && (error.status >= 500 || error.status === 429 || PASSING.has(error.code))
}

const MOST_PATIENCE_MS = 30_000
/** How long a large upload's hash may take to be checked. */
const MOST_PATIENCE_VERIFYING_MS = 30 * 60_000

export interface Persistence {
  /** Once aborted, nothing is tried again. */
  signal?: AbortSignal
  /** Told before each pause. */
  waiting?: (error: Error) => void
  /** For tests. */
  wait?: (ms: number, signal?: AbortSignal) => Promise<unknown>
  random?: () => number
}

/**
 * Repeat a step that may be repeated until it succeeds, is refused for good, or about 30 seconds were spent waiting.
 *
 * @throws whatever the last attempt threw
 */
export async function persist<T>(step: () => Promise<T>, options: Persistence = {}): Promise<T> {
  const {
    signal,
    waiting,
    wait = (ms, abort) => pause(ms, undefined, { signal: abort }),
    random = Math.random,
  } = options
  let waited = 0
  for (let attempt = 0; ; attempt++) {
    try {
      return await step()
    } catch (error) {
      if (!passes(error) || signal?.aborted) throw error
      const verifying = error instanceof Refused && error.code === 'upload-not-verified'
      const backOff = Math.min(250 * 2 ** attempt, 4000) * (0.5 + random())
      const ms = Math.max(backOff, (error instanceof Refused && error.retryAfter) || 0)
      if (waited + ms > (verifying ? MOST_PATIENCE_VERIFYING_MS : MOST_PATIENCE_MS)) throw error
      waited += ms
      if (!verifying) waiting?.(error)
      await wait(ms, signal).catch(() => {
        throw error
      })
    }
  }
}
