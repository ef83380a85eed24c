import { addMonths, endOfDay } from './calendar.ts'
import type { Ctx } from './ctx.ts'
import { type DocumentRow, versionRows } from './document.ts'
import { ArchiveError } from './errors.ts'
import { keys } from './keys.ts'
import { retentionOf } from './retention.ts'

const ROLLING_MONTHS = 13
const RENEWED_AFTER_MONTHS = 1

/**
 * The job: lock every final version of a document until its retention ends. Without a start event the lock rolls:
 * it reaches 13 months ahead and is renewed monthly.
 *
 * @returns when to renew it, if it rolls
 */
export async function lockDocument(ctx: Ctx, customerId: string, documentId: string): Promise<Date | undefined> {
  const [document, versions] = await Promise.all([
    ctx.table.get<DocumentRow>(keys.document(customerId, documentId)),
    versionRows(ctx, customerId, documentId),
  ])
  if (!document?.final) return undefined
  const { retainUntil } = retentionOf(document)
  const until = retainUntil ? endOfDay(retainUntil, ctx.zone) : addMonths(ctx.now, ROLLING_MONTHS, ctx.zone)
  for (const { vault, status } of versions) {
    if (status !== 'final') continue
    if (until <= ctx.now) continue
    await ctx.vault.extendLock(vault, until, 'GOVERNANCE').catch((error) => {
      // A shorter period leaves the longer lock standing.
      if (!(error instanceof ArchiveError) || error.code !== 'lock-shortened') throw error
    })
  }
  return retainUntil ? undefined : addMonths(ctx.now, RENEWED_AFTER_MONTHS, ctx.zone)
}
