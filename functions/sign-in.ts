import { actorOf } from '@registratur/core/actor'
import { recordSignIn } from '@registratur/core/staff'
import type { Deps } from './app.ts'
import { contextFor } from './authenticate.ts'

const SIGN_IN = '/api/auth/sign-in/email-otp'

/** better-auth's endpoints; a sign-in that worked is journalled. */
export async function handleAuth(deps: Deps, request: Request): Promise<Response> {
  const response = await deps.auth.handler(request)
  if (response.ok && new URL(request.url).pathname === SIGN_IN) {
    const { user } = (await response.clone().json()) as { user: { email: string } }
    await signedIn(deps, user.email)
  }
  return response
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
