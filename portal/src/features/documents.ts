import type { Ctx } from '@registratur/core/ctx'
import { type Document, DocumentPatch, updateDocument } from '@registratur/core/document'
import { Discard, discardDraft, finaliseDocument } from '@registratur/core/filing'
import { RecordClass } from '@registratur/core/retention'
import type { Handlers } from '../form.ts'
import type { Translate } from '../messages/index.ts'
import { paths } from '../paths.ts'

export const classOptions = (t: Translate) =>
  RecordClass.options.map((value) => ({ value, label: t.value('class', value) }))

export function documentHandlers(ctx: Ctx, { customerId, id, folderId }: Document): Handlers {
  const here = paths.document(customerId, id)
  return {
    save: async (form) => {
      const patch = DocumentPatch.parse({
        title: form.required('title'),
        recordClass: form.required('recordClass'),
        number: form.text('number') ?? null,
        documentDate: form.required('documentDate'),
        contractEnd: form.text('contractEnd') ?? null,
        folderId: form.required('folderId'),
        tags: (form.text('tags') ?? '')
          .split(',')
          .map((tag) => tag.trim())
          .filter(Boolean),
        confirm: form.text('confirm') === 'true',
        reason: form.text('reason'),
      })
      await updateDocument(ctx, customerId, id, patch, Number(form.text('rev')) || undefined)
      return { to: here, flash: { key: 'form.saved' } }
    },
    finalise: async (form) => {
      await finaliseDocument(ctx, customerId, id, Number(form.text('rev')) || undefined)
      return { to: here, flash: { key: 'document.finalised' } }
    },
    discard: async (form) => {
      const left = await discardDraft(ctx, customerId, id, Discard.parse({ reason: form.required('reason') }))
      if (left) return { to: here, flash: { key: 'document.draftDiscarded' } }
      return { to: paths.customer(customerId, folderId), flash: { key: 'document.discarded' } }
    },
  }
}

const PREVIEWS = {
  'application/pdf': 'pdf',
  'image/png': 'image',
  'image/jpeg': 'image',
  'image/gif': 'image',
  'image/webp': 'image',
} as const

/** How a version can be looked at here; undefined when it can only be opened or downloaded. */
export function previewOf(mediaType: string): 'pdf' | 'image' | undefined {
  return PREVIEWS[mediaType.split(';')[0]?.trim().toLowerCase() as keyof typeof PREVIEWS]
}
