import { ArchiveError } from '@registratur/core/errors'

/** Name and HTTP status of what a service answered. */
export function serviceError(error: unknown): { name: string; status: number | undefined; message: string } {
  const {
    name = '',
    message = '',
    $metadata,
  } = (error ?? {}) as {
    name?: string
    message?: string
    $metadata?: { httpStatusCode?: number }
  }
  return { name, status: $metadata?.httpStatusCode, message }
}

const PASSING = new Set([
  'AbortError',
  'TimeoutError',
  'ThrottlingException',
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'TransactionInProgressException',
  'SlowDown',
  'RequestTimeout',
])
const NETWORK = new Set(['ECONNRESET', 'ECONNREFUSED', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN'])

/**
 * What a service could not do now, as the port says it. Everything else is a mistake of ours and stays what it is.
 *
 * @example await client.send(command).catch(unavailable)
 */
export function unavailable(error: unknown): never {
  const { name, status } = serviceError(error)
  const code = (error as { code?: unknown } | undefined)?.code
  const passing = PASSING.has(name) || (status ?? 0) >= 500 || status === 429 || NETWORK.has(String(code))
  if (!passing) throw error
  throw busy(error)
}

export function busy(cause: unknown): ArchiveError {
  const error = new ArchiveError('unavailable', 'busy', 'The archive is busy. Try again in a moment.')
  error.cause = cause
  return error
}
