import { client } from '@registratur/functions/client'
import { UsageError } from './command.ts'
import { type Persistence, persist, Refused, send } from './request.ts'

interface JsonReply {
  readonly ok: boolean
  readonly status: number
  readonly headers: Headers
  json(): Promise<unknown>
  text(): Promise<string>
}

/** A running archive, and how to talk to it. */
export interface Archive {
  api: ReturnType<typeof client>
  url: string
  /**
   * Send a request that may be repeated, for as long as it takes the archive to restart, and read the JSON it answers.
   *
   * @throws {Refused | Unreachable}
   */
  ask<R extends JsonReply>(request: () => Promise<R>): Promise<Awaited<ReturnType<R['json']>>>
  /** Repeat a step of several requests as `ask` does one. */
  persist<T>(step: () => Promise<T>): Promise<T>
}

/** Send a request once and read the JSON it answers. */
export function once<R extends JsonReply>(request: () => Promise<R>): Promise<Awaited<ReturnType<R['json']>>> {
  return send(request, (reply) => reply.json() as Promise<Awaited<ReturnType<R['json']>>>)
}

/**
 * Reach the archive that `--url` and `--key` or the environment name, and make sure that it knows the key.
 *
 * @throws {UsageError}
 * @throws {Refused | Unreachable}
 */
export async function connect(
  { url: givenUrl, key: givenKey }: { url?: string; key?: string },
  { signal }: { signal?: AbortSignal } = {},
): Promise<Archive> {
  const url = urlOf(givenUrl || process.env.REGISTRATUR_URL || 'http://localhost:4321')
  const api = client(url, keyOf(givenKey || process.env.REGISTRATUR_KEY))
  const persistence: Persistence = { signal, waiting: noticesOf(url) }
  const archive: Archive = {
    ...{ api, url },
    ask: (request) => persist(() => once(request), persistence),
    persist: (step) => persist(step, persistence),
  }
  const { kind } = await archive.ask(() => api.me.$get())
  if (kind === 'machine' || kind === 'staff') return archive
  throw new Refused(403, 'forbidden', `${url} does not know this key.`)
}

function urlOf(text: string): string {
  const url = URL.parse(text)
  if (url && ['http:', 'https:'].includes(url.protocol)) return url.href.replace(/\/+$/, '')
  throw new UsageError(`“${text}” is not a URL. Give the archive’s own, such as http://localhost:4321.`)
}

function keyOf(text: string | undefined): string {
  const key = text?.trim()
  if (!key) {
    throw new UsageError(
      'An API key is missing: give it in REGISTRATUR_KEY or with --key.\n' +
        'On the archive’s machine, registratur key create --role administrator --name NAME --data DIR makes one.',
    )
  }
  if (!/^[\w-]{1,200}$/.test(key)) throw new UsageError('This is not an API key. It looks like reg_…')
  return key
}

const QUIET_MS = 10_000

/** Says that we are waiting, but not for every request that waits. */
function noticesOf(url: string): (error: Error) => void {
  let last = Number.NEGATIVE_INFINITY
  return (error) => {
    const now = performance.now()
    if (now - last > QUIET_MS) {
      const what = error instanceof Refused ? `is busy (${error.status})` : `gives ${error.message}`
      console.error(`${url} ${what}; trying again for half a minute.`)
    }
    last = now
  }
}
