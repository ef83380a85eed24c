import { actorOf } from '@registratur/core/actor'
import { recordSignIn } from '@registratur/core/staff'
import { Email } from '@registratur/core/text'
import type { Deps } from './app.ts'
import { contextFor } from './authenticate.ts'
import { mayAskForCode } from './code-limit.ts'

const SIGN_IN = '/api/auth/sign-in/email-otp'
const SEND = '/api/auth/email-otp/send-verification-otp'

/** better-auth's endpoints; codes are limited per address, and a sign-in that worked is journalled. */
export async function handleAuth(deps: Deps, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (pathname === SEND && !(await mayAsk(deps, request)))
    return Response.json({ success: true }, { headers: { 'cache-control': 'no-store' } })
  const response = await deps.auth.handler(request)
  if (response.ok && pathname === SIGN_IN) {
    const { user } = (await response.clone().json()) as { user: { email: string } }
    await signedIn(deps, user.email)
  }
  return response
}

/** What is no address at all is left to the endpoint to refuse. */
async function mayAsk({ table, clock }: Deps, request: Request): Promise<boolean> {
  const body = await request
    .clone()
    .json()
    .catch(() => undefined)
  const email = Email.safeParse(body?.email)
  return !email.success || mayAskForCode(table, email.data, clock())
}

export async function signedIn(deps: Deps, email: string): Promise<void> {
  const actor = await actorOf(deps.table, email)
  if (actor) await recordSignIn(contextFor(deps, actor))
}

/** Ask one of better-auth's endpoints from within the app. */
export function askAuth(deps: Deps, path: string, body: object, headers?: Headers): Promise<Response> {
  const given = new Headers({ 'content-type': 'application/json', origin: deps.url })
  const cookie = headers?.get('cookie')
  if (cookie) given.set('cookie', cookie)
  const request = new Request(`${deps.url}/api/auth/${path}`, {
    method: 'POST',
    headers: given,
    body: JSON.stringify(body),
  })
  return handleAuth(deps, request)
}
