import { allow } from './access.ts'
import type { Ctx } from './ctx.ts'
import { loadCustomer } from './customer.ts'
import { journal } from './journal.ts'

/**
 * Journal that a customer's whole file is about to be handed out, before it is.
 *
 * @throws {ArchiveError} `forbidden` | `customer-not-found`
 */
export async function recordExport(ctx: Ctx, customerId: string): Promise<{ at: string }> {
  allow(ctx, 'customer.read')
  const customer = await loadCustomer(ctx, customerId)
  await ctx.table.transact(journal(ctx, 'customer.exported', { customer: customer.id }))
  return { at: ctx.now.toISOString() }
}
