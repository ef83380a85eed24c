import type { Document } from '@registratur/core/document'
import type { Format } from '../format.ts'
import type { Translate } from '../messages/index.ts'

/** Why a document is kept as long as it is, in one sentence. */
export function retentionText({ recordClass, retention }: Document, t: Translate, format: Format): string {
  const { years, basis, startsOn, schedule } = retention
  const norm = basis
    .replaceAll('no.', t('retention.item'))
    .replace(/\((\d+)\)/g, (_, n: string) => t('retention.subsection', { n }))
  const params = { years, basis: norm, class: t.value('class', recordClass), schedule }
  return startsOn ? t('retention.from', { ...params, date: format.date(startsOn) }) : t('retention.waiting', params)
}
