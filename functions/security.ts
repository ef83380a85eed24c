import type { MiddlewareHandler } from 'hono'

export interface SecurityOptions {
  /** Origins, besides our own, that pages read from and upload to: the buckets, on AWS. */
  origins?: string[]
}

/**
 * Headers that confine every answer: nothing inline runs, nothing foreign is loaded, nobody frames us.
 *
 * @example app.use(securityHeaders({ origins: ['https://staging.s3.eu-central-1.amazonaws.com'] }))
 */
export function securityHeaders({ origins = [] }: SecurityOptions = {}): MiddlewareHandler {
  const csp = contentSecurityPolicy(origins)
  return async (c, next) => {
    await next()
    const { headers } = c.res
    for (const [name, value] of Object.entries(ALWAYS)) if (!headers.has(name)) headers.set(name, value)
    if (!headers.has('content-security-policy')) headers.set('content-security-policy', csp)
    if (new URL(c.req.url).protocol === 'https:')
      headers.set('strict-transport-security', 'max-age=63072000; includeSubDomains')
    if (!headers.has('cache-control')) headers.set('cache-control', 'no-store')
  }
}

export function contentSecurityPolicy(origins: string[] = []): string {
  const own = ["'self'", ...origins].join(' ')
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src ${own} data: blob:`,
    "font-src 'self'",
    `connect-src ${own}`,
    "worker-src 'self'",
    "manifest-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
  ].join('; ')
}

const ALWAYS: Record<string, string> = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  'permissions-policy':
    'accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), midi=(), payment=(), publickey-credentials-get=(self), usb=()',
}
