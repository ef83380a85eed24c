import { actorOf } from '@registratur/core/actor'
import type { Ctx } from '@registratur/core/ctx'
import { enqueue } from '@registratur/core/job'
import { codeMail } from '@registratur/core/mail'
import { settings } from '@registratur/core/settings'
import { type Auth, type AuthOptions, createAuth } from './auth.ts'

export interface ArchiveAuthOptions extends Pick<AuthOptions, 'table' | 'secret' | 'baseUrl'> {
  /** Further origins that are this archive. */
  aliases?: string[]
  /** A context of the archive itself, at the present instant. */
  context(): Ctx
}

/** Sign-in for the people the archive knows; the code goes out as a mail job. */
export function archiveAuth({ table, secret, baseUrl, aliases = [], context }: ArchiveAuthOptions): Auth {
  return createAuth({
    ...{ table, secret, baseUrl, trustedOrigins: aliases },
    knows: async (email) => (await actorOf(table, email)) !== undefined,
    sendCode: async ({ email, code }) => {
      const [{ company }, actor] = await Promise.all([settings(table), actorOf(table, email)])
      const language = actor?.kind === 'contact' ? actor.language : undefined
      const mail = codeMail({ to: email, code, company, language })
      await table.transact([enqueue(context(), { kind: 'mail', mail })])
    },
  })
}
