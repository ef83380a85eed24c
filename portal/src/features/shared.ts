import type { Document } from '@registratur/core/document'
import { fold } from '@registratur/core/text'
import type { Translate } from '../messages/index.ts'

/** Documents in which every word of the search occurs. */
export function matching(documents: Document[], search: string, t: Translate): Document[] {
  const words = fold(search).split(/\s+/).filter(Boolean)
  return documents.filter(({ title, number, fileName, documentDate, recordClass, tags }) => {
    const text = fold([title, number, fileName, documentDate, t.value('class', recordClass), ...tags].join(' '))
    return words.every((word) => text.includes(word))
  })
}
