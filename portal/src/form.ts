import type { ArchiveError } from '@registratur/core/errors'
import type { AstroGlobal } from 'astro'
import { type Flash, setFlash } from './flash.ts'
import { asArchiveError } from './problem.ts'

/** What a form's handler did: where to go next, and what to say there. */
interface Done {
  to: string
  flash?: Flash
  /** Cookies of the session that begins or ends here. */
  headers?: Headers
}

/** Or: something that only this answer may show, such as a secret. */
interface Shown {
  show: unknown
}

/** One handler per button: `<button name="action" value="rename">`. */
export type Handlers = Record<string, (form: Form) => Promise<Done | Shown>>

/** What was typed, trimmed; an empty field is an absent one. */
export class Form {
  readonly #data: FormData

  constructor(data: FormData = new FormData()) {
    this.#data = data
  }

  text(name: string): string | undefined {
    const value = this.#data.get(name)
    return typeof value === 'string' && value.trim() !== '' ? value.trim() : undefined
  }

  /** Empty when nothing was typed: the use case says what is missing. */
  required(name: string): string {
    return this.text(name) ?? ''
  }

  all(name: string): string[] {
    return this.#data.getAll(name).filter((value) => typeof value === 'string' && value !== '') as string[]
  }

  /** One value per line. */
  lines(name: string): string[] {
    return (this.text(name) ?? '')
      .split(/[\r\n]+/)
      .map((line) => line.trim())
      .filter(Boolean)
  }

  has(name: string): boolean {
    return this.#data.has(name)
  }

  entries(): [string, string][] {
    return [...this.#data].filter((entry): entry is [string, string] => typeof entry[1] === 'string')
  }
}

/** A form that was sent and not accepted, or one that was not sent yet. */
export class Submission {
  readonly action: string | undefined
  readonly error: ArchiveError | undefined
  readonly form: Form
  readonly shown: unknown

  constructor({ action, error, form = new Form(), shown }: Partial<Submission> = {}) {
    this.action = action
    this.error = error
    this.form = form
    this.shown = shown
  }

  /** Was this the form that was sent? */
  failed(action: string): boolean {
    return this.error !== undefined && this.action === action
  }

  /** What was typed; before that, what is stored. */
  value(action: string, name: string, stored?: string): string {
    return this.failed(action) ? (this.form.text(name) ?? '') : (stored ?? '')
  }

  checked(action: string, name: string, value: string, stored = false): boolean {
    return this.failed(action) ? this.form.all(name).includes(value) : stored
  }
}

/**
 * Handle the page's own form: call the use case, then redirect (303) with a message. A refusal comes back as a
 * `Submission`, for the page to show above what was typed.
 *
 * @example
 * const sent = await submit(Astro, { rename: async (form) => rename(ctx, id, form) })
 * if (sent instanceof Response) return sent
 */
export async function submit(astro: AstroGlobal, handlers: Handlers): Promise<Response | Submission> {
  if (astro.request.method !== 'POST') return new Submission()
  const form = new Form(await astro.request.formData())
  const action = form.text('action') ?? 'save'
  const handler = Object.hasOwn(handlers, action) ? handlers[action] : undefined
  if (!handler) return new Response(null, { status: 400 })
  try {
    const done = await handler(form)
    return 'show' in done ? new Submission({ action, shown: done.show }) : seeOther(astro, done)
  } catch (cause) {
    const error = asArchiveError(cause)
    if (!error) throw cause
    astro.response.status = astro.locals.statusOf(error)
    return new Submission({ action, error, form })
  }
}

export function seeOther(astro: Pick<AstroGlobal, 'cookies' | 'url'>, { to, flash, headers }: Done): Response {
  if (flash) setFlash(astro.cookies, flash, astro.url.protocol === 'https:')
  const answer = new Headers({ location: to })
  for (const cookie of headers?.getSetCookie() ?? []) answer.append('set-cookie', cookie)
  return new Response(null, { status: 303, headers: answer })
}
