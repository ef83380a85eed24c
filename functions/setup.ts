import { timingSafeEqual } from 'node:crypto'
import type { Ctx } from '@registratur/core/ctx'
import { ArchiveError } from '@registratur/core/errors'
import type { Table } from '@registratur/core/ports'
import { isSetUp, SetUp, setUp } from '@registratur/core/staff'
import type { PortalLocals } from '@registratur/portal/locals'
import type { Auth } from './auth/auth.ts'

export interface SetupOptions {
  table: Table
  auth: Auth
  /** A context of the archive itself. */
  context(): Ctx
  /** Known to whoever installed the archive. */
  token: string
  loadDemo?(ctx: Ctx): Promise<void>
}

/** Offered to whoever holds the link with the token, until there is an administrator. */
export async function offerSetup(options: SetupOptions): Promise<PortalLocals['setup']> {
  const { table, auth, context, token, loadDemo } = options
  if (await isSetUp(table)) return undefined
  const valid = (given: string) => {
    const [a, b] = [Buffer.from(given), Buffer.from(token)]
    return a.length === b.length && timingSafeEqual(a, b)
  }
  return {
    valid,
    complete: async ({ token: given, demo, ...input }) => {
      if (!valid(given)) {
        throw new ArchiveError('forbidden', 'invalid-setup-link', 'This link is not valid. Use the one you were given.')
      }
      const { email } = await setUp(context(), SetUp.parse(input))
      if (demo) await loadDemo?.(context())
      return auth.signInAs(email)
    },
  }
}
