import type { APIRoute } from 'astro'
import { seeOther } from '../form.ts'
import { paths } from '../paths.ts'

export const POST: APIRoute = async (context) => {
  const headers = await context.locals.auth.signOut()
  return seeOther(context, { to: paths.signIn(), flash: { key: 'signOut.done' }, headers })
}
