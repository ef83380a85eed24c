import type { JournalEntry } from '@registratur/core/journal'
import type { Format } from '../format.ts'
import type { Translate } from '../messages/index.ts'

export interface Described {
  action: string
  facts: { label: string; text: string }[]
}

const SHOWN = [
  'title',
  'number',
  'name',
  'email',
  'fileName',
  'permission',
  'until',
  'reason',
  'disposition',
  'company',
]

/** A journal entry in words: what was done, and what changed from what to what. */
export function describe(entry: JournalEntry, t: Translate, format: Format): Described {
  const { details = {}, objects } = entry
  const facts: Described['facts'] = []
  for (const field of SHOWN) {
    if (details[field] === undefined || details[field] === null) continue
    facts.push({ label: t.value('field', field), text: valueText(field, details[field], t, format) })
  }
  if (objects.version) facts.push({ label: t('document.version'), text: objects.version })
  const changes = (details.changes ?? {}) as Record<string, { from: unknown; to: unknown }>
  for (const [field, { from, to }] of Object.entries(changes)) {
    const [old, now] = [from, to].map((value) => valueText(field, value, t, format))
    if (old === now) continue
    facts.push({ label: t.value('field', field), text: isEmpty(from) ? (now ?? '') : `${old} → ${now}` })
  }
  return { action: t.value('action', entry.action), facts }
}

const isEmpty = (value: unknown) =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0)

function valueText(field: string, value: unknown, t: Translate, format: Format): string {
  if (isEmpty(value)) return '–'
  if (Array.isArray(value)) return value.map((each) => valueText(field, each, t, format)).join(', ')
  if (typeof value === 'object')
    return Object.values(value as object)
      .filter(Boolean)
      .join(', ')
  const text = String(value)
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return format.date(text)
  return t.maybe(`${VALUES[field] ?? field}.${text}`) ?? text
}

/** Whose catalogue names a field's values. */
const VALUES: Record<string, string> = { recordClass: 'class', roles: 'role', type: 'customerType' }
