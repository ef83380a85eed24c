import { ArchiveError } from '@registratur/core/errors'
import type { MessageKey, Translate } from './messages/index.ts'

interface Issue {
  path: PropertyKey[]
  message: string
}

export interface FieldError {
  /** The control's name and id. */
  field: string
  label: string
  message: string
}

/** A schema's refusal as one of ours, so that a form has one kind of error to show. */
export function asArchiveError(error: unknown): ArchiveError | undefined {
  if (error instanceof ArchiveError) return error
  if (!(error instanceof Error) || error.name !== 'ZodError') return undefined
  const { issues } = error as Error & { issues: Issue[] }
  return new ArchiveError('invalid', 'invalid', 'Some fields are not right.', { issues })
}

/** What went wrong, in the reader's language; codes without a translation speak for themselves. */
export function problemText(t: Translate, error: ArchiveError): string {
  return t.maybe(`problem.${error.code}`) ?? t.maybe(`problem.${error.kind}`) ?? error.message
}

const ISSUES: [RegExp, MessageKey][] = [
  [/must not be empty|received undefined|say why|expected array to have >=1|too small/i, 'issue.required'],
  [/e-mail address/, 'issue.email'],
  [/telephone number/, 'issue.phone'],
  [/VAT id/, 'issue.vatId'],
  [/is not a domain/, 'issue.domain'],
  [/is not a date/, 'issue.date'],
  [/must lie between/, 'issue.dateRange'],
  [/is not a country/, 'issue.country'],
  [/is longer than/, 'issue.tooLong'],
  [/control or text-direction/, 'issue.characters'],
  [/path separator|is not a file name/, 'issue.fileName'],
]

export function fieldErrors(t: Translate, error: ArchiveError): FieldError[] {
  const { issues, errors } = error.details as { issues?: Issue[]; errors?: { field: string; message: string }[] }
  const all = issues ?? errors?.map(({ field, message }) => ({ path: field.split('.'), message })) ?? []
  const found = new Map<string, FieldError>()
  for (const { path, message } of all) {
    const field = path.filter((part) => typeof part === 'string' && !/^\d+$/.test(part)).join('.')
    const known = ISSUES.find(([pattern]) => pattern.test(message))
    const label = t.value('field', field.split('.').at(-1) ?? field)
    if (!found.has(field))
      found.set(field, { field, label, message: known ? t(known[1] as 'issue.required') : message })
  }
  return [...found.values()]
}

/** Several forms of a page may have a field of the same name. */
export const fieldId = (action: string | undefined, name: string) =>
  action === undefined || action === 'save' ? name : `${action}.${name}`
