import { hc } from 'hono/client'
import type { Api } from './app.ts'

/**
 * A client of the API that knows its types.
 *
 * @param url  where the archive is reached, such as http://localhost:4321
 * @example const customer = await (await client(url, key).customers.$post({ json: { type: 'company', name: 'Muster GmbH' } })).json()
 */
export function client(url: string, key?: string) {
  return hc<Api>(new URL('/api', url).href, key ? { headers: { authorization: `Bearer ${key}` } } : {})
}
