/**
 * What went wrong, in three parts: a kind (what class of problem), a stable code (what a program may rely on)
 * and a sentence that tells a person what to do.
 */
export type ErrorKind =
  | 'malformed'
  | 'invalid'
  | 'unauthenticated'
  | 'forbidden'
  | 'not-found'
  | 'conflict'
  | 'gone'
  | 'precondition-failed'
  | 'too-large'
  | 'too-many'
  | 'unavailable'

export class ArchiveError extends Error {
  readonly kind: ErrorKind
  readonly code: string
  /** Further members of the answer, safe to show to whoever asked. */
  readonly details: Record<string, unknown>

  constructor(kind: ErrorKind, code: string, message: string, details: Record<string, unknown> = {}) {
    super(message)
    this.name = 'ArchiveError'
    this.kind = kind
    this.code = code
    this.details = details
  }
}

/** A write's condition did not hold. Nothing of its transaction was written. */
export class ConflictError extends ArchiveError {
  /** The keys whose condition failed. */
  readonly keys: { pk: string; sk: string }[]

  constructor(keys: { pk: string; sk: string }[]) {
    super('conflict', 'changed-meanwhile', 'Somebody else changed this at the same time. Reload it and try again.')
    this.name = 'ConflictError'
    this.keys = keys
  }

  names(key: { pk: string; sk: string }): boolean {
    return this.keys.some(({ pk, sk }) => pk === key.pk && sk === key.sk)
  }
}

export function signInRequired(): ArchiveError {
  return new ArchiveError('unauthenticated', 'sign-in-required', 'Sign in, or send an API key, and try again.')
}

/**
 * The one answer for what does not exist and for what the asker may not see, so that ids can't be probed.
 *
 * @param noun  what was looked for; becomes the code `<noun>-not-found`
 */
export function notFound(noun: string): ArchiveError {
  return new ArchiveError('not-found', `${noun}-not-found`, `There is no such ${noun}. Check the address or the id.`)
}
