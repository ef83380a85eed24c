import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { portal } from './portal.ts'
import { contentSecurityPolicy, securityHeaders } from './security.ts'

function client() {
  const folder = mkdtempSync(join(tmpdir(), 'portal-'))
  mkdirSync(join(folder, '_astro'))
  writeFileSync(join(folder, '_astro', 'app.js'), 'plain')
  writeFileSync(join(folder, '_astro', 'app.js.br'), 'brotli')
  writeFileSync(join(folder, 'favicon.svg'), '<svg/>')
  return folder
}

const app = new Hono()
app.use(securityHeaders({ origins: ['https://staging.example'] }))
app.route(
  '/',
  portal({
    client: client(),
    locals: () => {
      throw new Error('no page is rendered here')
    },
  }),
)

describe('the portal’s files', () => {
  it('are served with their type and for ever when their name carries a hash', async () => {
    const response = await app.request('/_astro/app.js')
    expect(await response.text()).toBe('plain')
    expect(response.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
    expect(response.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect((await app.request('/favicon.svg')).headers.get('cache-control')).toBe('public, max-age=3600')
  })

  it('are served compressed to whom can read it', async () => {
    const response = await app.request('/_astro/app.js', { headers: { 'accept-encoding': 'gzip, br' } })
    expect(response.headers.get('content-encoding')).toBe('br')
    expect(response.headers.get('vary')).toBe('accept-encoding')
    expect(await response.text()).toBe('brotli')
  })

  it('answer HEAD without a body', async () => {
    const response = await app.request('/_astro/app.js', { method: 'HEAD' })
    expect(response.headers.get('content-length')).toBe('5')
    expect(await response.text()).toBe('')
  })

  it.each(['/_astro/none.js', '/_astro/..%2ffavicon.svg', '/_astro/%2e%2e%2fapp.js', '/_astro/app.js.br'])(
    'are nothing but themselves: %s',
    async (path) => {
      expect((await app.request(path)).status).toBe(404)
    },
  )
})

describe('security headers', () => {
  it('allow nothing inline and nothing foreign but the stores', async () => {
    const { headers } = await app.request('/favicon.svg')
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toBe(contentSecurityPolicy(['https://staging.example']))
    expect(policy).not.toMatch(/unsafe|\*|https?:(?!\/\/staging\.example)/)
    expect(policy).toContain("script-src 'self';")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).toContain("connect-src 'self' https://staging.example;")
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('strict-transport-security')).toBeNull()
  })

  it('bind browsers to TLS where there is TLS', async () => {
    const { headers } = await app.request('https://archive.example/favicon.svg')
    expect(headers.get('strict-transport-security')).toContain('max-age=63072000')
  })
})
