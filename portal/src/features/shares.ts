import type { Ctx } from '@registratur/core/ctx'
import { createGrant, NewGrant, revokeGrant } from '@registratur/core/grant'
import type { Handlers } from '../form.ts'
import { paths } from '../paths.ts'

export function shareHandlers(ctx: Ctx, customerId: string): Handlers {
  const to = paths.shares(customerId)
  return {
    share: async (form) => {
      const object = form.text('object')
      const input = NewGrant.parse({
        contactId: form.required('contactId'),
        [object?.startsWith('doc_') ? 'documentId' : 'folderId']: object,
        permission: form.text('permission'),
        until: form.text('until'),
        confirm: form.text('confirm') === 'true',
      })
      const { name } = await createGrant(ctx, customerId, input)
      return { to, flash: { key: 'share.done', params: { name } } }
    },
    revoke: async (form) => {
      await revokeGrant(ctx, customerId, form.required('grantId'))
      return { to, flash: { key: 'share.revoked' } }
    },
  }
}
