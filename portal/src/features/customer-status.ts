import type { Ctx } from '@registratur/core/ctx'
import { archiveCustomer, restoreCustomer } from '@registratur/core/customer'
import { CustomerId } from '@registratur/core/customer-fields'
import { ArchiveError } from '@registratur/core/errors'
import { mergeCustomers } from '@registratur/core/merge'
import type { Handlers } from '../form.ts'
import { paths } from '../paths.ts'

export function customerHandlers(ctx: Ctx, id: string): Handlers {
  return {
    archive: async () => {
      await archiveCustomer(ctx, id)
      return { to: paths.customer(id), flash: { key: 'customer.archived' } }
    },
    restore: async () => {
      await restoreCustomer(ctx, id)
      return { to: paths.customer(id), flash: { key: 'customer.restored' } }
    },
  }
}

export function mergeHandlers(ctx: Ctx, id: string): Handlers {
  return {
    merge: async (form) => {
      const into = CustomerId.safeParse(form.required('into').toUpperCase())
      if (!into.success) throw new ArchiveError('invalid', 'customer-number', 'This is not a customer number.')
      const customer = await mergeCustomers(ctx, id, into.data)
      return { to: paths.customer(customer.id), flash: { key: 'merge.done', params: { from: id, into: customer.id } } }
    },
  }
}
