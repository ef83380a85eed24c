import type { Ctx } from '@registratur/core/ctx'
import { ArchiveError } from '@registratur/core/errors'
import { settings } from '@registratur/core/settings'
import type { PortalLocals } from '@registratur/portal/locals'
import { type Deps, openapi } from './app.ts'
import { statusOf } from './errors.ts'
import { askAuth } from './sign-in.ts'

/** What the portal's pages get: the actor's context and sign-in, in this process. */
export async function portalLocals(deps: Deps, ctx: Ctx, request: Request): Promise<PortalLocals> {
  const [{ company }, setup] = await Promise.all([settings(deps.table), deps.setup?.()])
  return {
    ctx,
    archive: { name: company, outbox: deps.outbox },
    auth: {
      sendCode: async (email) => {
        const response = await askAuth(deps, 'email-otp/send-verification-otp', { email, type: 'sign-in' })
        if (response.status < 500 && !response.ok) {
          throw new ArchiveError(
            'invalid',
            'invalid-email',
            'This is not an e-mail address. Check it for typing errors.',
          )
        }
      },
      signIn: async (email, otp) => {
        const response = await askAuth(deps, 'sign-in/email-otp', { email, otp })
        return response.ok ? response.headers : undefined
      },
      signOut: () => deps.auth.signOut(request.headers),
    },
    setup,
    statusOf,
    openapi,
  }
}
