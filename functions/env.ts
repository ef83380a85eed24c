import type { Ctx } from '@registratur/core/ctx'

/** What the app keeps per request. */
export interface AppEnv {
  Variables: {
    ctx: Ctx
    requestId: string
  }
}
