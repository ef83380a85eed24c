import type { Ctx } from './ctx.ts'
import { loadCustomer } from './customer.ts'
import type { CustomerRow } from './customer-fields.ts'
import { versionRows } from './document.ts'
import { ArchiveError } from './errors.ts'
import { keys } from './keys.ts'
import type { VaultObject } from './ports.ts'

const HOUR = 3600_000
const STAGED_HOURS = 48
/** A day longer than the vault's default lock. */
const ORPHAN_DAYS = 8

/**
 * Remove what no row points to: uploads that were never filed, and vault objects left by a crash between adopting
 * and committing, or by a discarded draft. An orphan goes only once its short lock has ended; nothing is bypassed.
 */
export async function sweep(ctx: Ctx): Promise<{ staged: number; orphans: number }> {
  const staged = await ctx.staging.removeOlderThan(new Date(ctx.now.getTime() - STAGED_HOURS * HOUR))
  const before = new Date(ctx.now.getTime() - ORPHAN_DAYS * 24 * HOUR).toISOString()
  let orphans = 0
  let after: string | undefined
  do {
    const page = await ctx.vault.list('customers/', after)
    for (const object of page.items) {
      if (object.createdAt < before && !(await isReferenced(ctx, object)) && (await destroy(ctx, object))) orphans++
    }
    after = page.after
  } while (after)
  return { staged, orphans }
}

/** The old number is asked before the one it was merged into: rows only ever move in that direction. */
async function isReferenced(ctx: Ctx, { key, versionId }: VaultObject): Promise<boolean> {
  const [, customerId = '', documentId = ''] = key.split('/')
  const points = async (id: string) =>
    (await versionRows(ctx, id, documentId)).some(({ vault }) => vault.key === key && vault.versionId === versionId)
  if (await points(customerId)) return true
  const customer = await ctx.table.get<CustomerRow>(keys.customer(customerId))
  if (!customer?.mergedInto) return false
  return points((await loadCustomer(ctx, customerId)).id)
}

async function destroy(ctx: Ctx, object: VaultObject): Promise<boolean> {
  try {
    await ctx.vault.destroy(object)
    return true
  } catch (error) {
    if (error instanceof ArchiveError && (error.code === 'object-locked' || error.code === 'object-held')) return false
    throw error
  }
}
