import { ArchiveError, type ErrorKind } from '@registratur/core/errors'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import * as z from 'zod'

const STATUS: Record<ErrorKind, ContentfulStatusCode> = {
  malformed: 400,
  unauthenticated: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  gone: 410,
  'precondition-failed': 412,
  'too-large': 413,
  invalid: 422,
  'too-many': 429,
  unavailable: 503,
}

/** The body of every error answer (RFC 9457). `code` is stable; `detail` says what to do. */
export const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    code: z.string(),
    detail: z.string(),
    /** What is wrong with which field, for `invalid-input`. */
    errors: z.array(z.object({ field: z.string(), message: z.string() })).optional(),
  })
  .meta({ id: 'Problem' })

/** Any error as one of ours. What nobody foresaw keeps its details to itself. */
export function archiveErrorOf(error: unknown): ArchiveError | undefined {
  if (error instanceof ArchiveError) return error
  if (error instanceof z.ZodError) return invalidInput(error)
  if (!(error instanceof HTTPException)) return undefined
  if (error.status === 413)
    return new ArchiveError('too-large', 'body-too-large', 'This is too large. Send less at once.')
  if (error.status >= 500) return undefined
  return new ArchiveError(
    'malformed',
    'malformed-request',
    'This request can’t be read. Send valid JSON as application/json.',
  )
}

export function invalidInput(error: z.ZodError): ArchiveError {
  const errors = error.issues.slice(0, 50).flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ field: issue.path.join('.'), message: messageOf(issue) }]
    return issue.keys
      .slice(0, 20)
      .map((key) => ({ field: [...issue.path, key.slice(0, 100)].join('.'), message: 'is not a known field' }))
  })
  const [first] = errors
  const where = first?.field ? `${first.field}: ${first.message}` : (first?.message ?? 'check the fields')
  return new ArchiveError('invalid', 'invalid-input', `Something in the request is not right. ${where}.`, { errors })
}

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code !== 'invalid_type') return issue.message
  return issue.message.endsWith('undefined') ? 'is missing' : `is not of the type ${issue.expected}`
}

/** The only place where errors become HTTP. */
export function onError(error: unknown, c: Context): Response {
  const known = archiveErrorOf(error)
  // A client that hung up is no fault of ours.
  if (!known && !c.req.raw.signal.aborted)
    console.error(JSON.stringify({ level: 'error', path: c.req.routePath, error: describe(error) }))
  return problemResponse(
    known ?? new ArchiveError('unavailable', 'unexpected', 'Something went wrong on our side. Try again in a moment.'),
    known ? STATUS[known.kind] : 500,
  )
}

export function statusOf({ kind }: ArchiveError): ContentfulStatusCode {
  return STATUS[kind]
}

export function problemResponse(
  { kind, code, message, details }: ArchiveError,
  status: number = STATUS[kind],
): Response {
  const title = kind.replace('-', ' ')
  const body = { type: `/api/docs#problem-${code}`, title, status, code, detail: message, ...details }
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (kind === 'unauthenticated') headers['www-authenticate'] = 'Bearer'
  // What was too large is not read to its end, so nothing can follow it.
  if (kind === 'too-large') headers.connection = 'close'
  return new Response(JSON.stringify(body), { status, headers })
}

/** Name and place of an error; messages of foreign errors may quote what somebody entered. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  return [
    error.name,
    ...(error.stack ?? '')
      .split('\n')
      .filter((line) => line.startsWith('    at '))
      .slice(0, 6),
  ].join('\n')
}
