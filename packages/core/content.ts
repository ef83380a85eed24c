import * as z from 'zod'
import type { Ctx } from './ctx.ts'
import { locate, type VersionRow } from './document.ts'
import { ArchiveError, notFound } from './errors.ts'
import { overwrite, type Row } from './item.ts'
import { journal } from './journal.ts'
import { keys } from './keys.ts'
import { canShowInline, servedType } from './media-type.ts'

/** How long a link to content works, in seconds: a revoked grant reaches no further. */
const LINK_SECONDS = 60
/** An actor's accesses to a version are journalled once in this many minutes: a viewer comes back for every range. */
const JOURNAL_MINUTES = 10

export const ContentQuery = z.object({
  /** `inline` to look at it, `attachment` to keep it; contacts with a grant to view get `inline` only. */
  disposition: z.enum(['attachment', 'inline']).default('attachment'),
})

/**
 * A link to the bytes of one version, valid for a minute. The access is journalled before the link is given.
 *
 * @throws {ArchiveError} `document-not-found` | `version-not-found` | `view-only` | `no-preview`
 */
export async function contentUrl(
  ctx: Ctx,
  customerId: string,
  documentId: string,
  n: number,
  { method, disposition }: { method: 'GET' | 'HEAD'; disposition: 'attachment' | 'inline' },
): Promise<{ url: string }> {
  const { actor, now } = ctx
  const [located, ...rows] = await Promise.all([
    locate(ctx, customerId, documentId),
    ctx.table.get<VersionRow>(keys.version(customerId, documentId, n)),
    ctx.table.get<Row<{ at: string }>>(keys.access(customerId, actor.id, documentId, n)),
  ])
  const { customer, document, scope } = located
  if (customer.id !== customerId) return contentUrl(ctx, customer.id, documentId, n, { method, disposition })
  const [version, mark] = rows
  if (!version || (scope && version.status !== 'final')) throw notFound('version')
  if (scope && disposition === 'attachment' && scope.document(document).read !== 'download') {
    throw new ArchiveError('forbidden', 'view-only', 'This document is shared for viewing only. Open it in the portal.')
  }
  if (disposition === 'inline' && !canShowInline(version.mediaType)) {
    throw new ArchiveError('invalid', 'no-preview', 'This kind of file can’t be shown here. Download it instead.')
  }
  const fresh = new Date(now.getTime() - JOURNAL_MINUTES * 60_000).toISOString()
  if (!mark || mark.at < fresh) {
    const expires = Math.floor(now.getTime() / 1000) + JOURNAL_MINUTES * 60
    const objects = { customer: customerId, document: documentId, version: String(n) }
    await ctx.table.transact([
      overwrite(keys.access(customerId, actor.id, documentId, n), { at: now.toISOString() }, { expires }),
      ...journal(ctx, 'content.opened', objects, { disposition }),
    ])
  }
  const url = await ctx.vault.downloadUrl(version.vault, {
    ...{ method, disposition, fileName: version.fileName, contentType: servedType(version.mediaType) },
    expiresAt: new Date(now.getTime() + LINK_SECONDS * 1000).toISOString(),
  })
  return { url }
}
