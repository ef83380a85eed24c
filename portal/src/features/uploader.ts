import type { MessageKey, Translate } from '../messages/index.ts'

const PHRASES = {
  'phase.hashing': 'upload.hashing',
  'phase.sending': 'upload.sending',
  'phase.filing': 'upload.filing',
  'phase.done': 'upload.done',
  duplicate: 'upload.duplicate',
  fileAnyway: 'upload.fileAnyway',
  retry: 'upload.retry',
} satisfies Record<string, MessageKey>

const PROBLEMS = [
  'network',
  'empty-file',
  'read-failed',
  'upload-failed',
  'upload-mismatch',
  'upload-expired',
  'upload-missing',
  'upload-used',
  'reason-required',
  'customer-archived',
  'folder-not-found',
  'sign-in-required',
  'forbidden',
  'invalid',
]

/** The words that the upload script shows, in the reader's language. */
export function uploaderMessages(t: Translate): Record<string, string> {
  const messages: Record<string, string> = { failed: t.raw('upload.failed') }
  for (const [name, key] of Object.entries(PHRASES)) messages[name] = t.raw(key)
  for (const name of ['waiting', 'active', 'done', 'failed']) {
    const raw = t.raw(`upload.summary.${name}` as MessageKey)
    messages[`summary.${name}`] = raw
  }
  for (const code of PROBLEMS) {
    const text = t.maybe(`problem.${code}`)
    if (text) messages[`problem.${code}`] = text
  }
  return messages
}
