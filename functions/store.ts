import { contentDisposition } from '@registratur/core/content-disposition'
import type { EmbeddedStaging } from '@registratur/embedded/staging'
import type { EmbeddedVault, SignedDownload } from '@registratur/embedded/vault'
import { Hono } from 'hono'

/**
 * Serves the signed URLs of a store on this machine. The URL is the permission; errors are the app's to answer.
 *
 * @example app.route('/store', storeRoutes({ staging, vault }))
 */
export function storeRoutes({ staging, vault }: { staging: EmbeddedStaging; vault: EmbeddedVault }): Hono {
  const app = new Hono()

  app.put('/staging/:token', async (c) => {
    const { method, body } = c.req.raw
    const [contentType, contentLength] = [c.req.header('content-type'), c.req.header('content-length')]
    await staging.receive(c.req.param('token'), { method, contentType, contentLength, body })
    return c.body(null, 200)
  })

  // Hono gives HEAD to the routes of GET.
  app.get('/vault/:token', async (c) => {
    const { method } = c.req.raw
    const download = await vault.openSigned(c.req.param('token'), method)
    const { size, meta } = download.head
    const etag = `"${meta.sha256}"`
    const headers: Record<string, string> = {
      ...headersOf(download),
      etag,
      'accept-ranges': 'bytes',
      'content-length': String(size),
    }
    if (method === 'HEAD') return new Response(null, { headers })

    const conditional = c.req.header('if-range')
    const asked = conditional === undefined || conditional === etag ? c.req.header('range') : undefined
    const range = asked ? parseRange(asked, size) : undefined
    if (range === 'unsatisfiable') {
      return new Response(null, { status: 416, headers: { 'content-range': `bytes */${size}` } })
    }
    if (range) {
      headers['content-range'] = `bytes ${range.start}-${range.end}/${size}`
      headers['content-length'] = String(range.end - range.start + 1)
    }
    return new Response(size ? await vault.get(download.head, range) : null, { status: range ? 206 : 200, headers })
  })

  return app
}

/** Whatever the bytes are, a browser neither guesses at them, nor runs them, nor keeps them. */
function headersOf({ fileName, contentType, disposition }: SignedDownload): Record<string, string> {
  // Browsers' PDF viewers refuse to work in a sandbox.
  const sandboxed = !(contentType === 'application/pdf' && disposition === 'inline')
  return {
    'content-type': contentType,
    'content-disposition': contentDisposition(disposition, fileName),
    'x-content-type-options': 'nosniff',
    'content-security-policy': sandboxed ? "default-src 'none'; sandbox" : "default-src 'none'",
    'cache-control': 'private, no-store',
    'cross-origin-resource-policy': 'same-origin',
  }
}

/** One range of bytes (RFC 9110 §14). Several, and what is no range, are ignored, as the standard allows. */
function parseRange(header: string, size: number): { start: number; end: number } | 'unsatisfiable' | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header.trim()) ?? []
  if (first === undefined || last === undefined || (!first && !last)) return undefined
  if (!first) {
    const length = Math.min(Number(last), size)
    return length > 0 ? { start: size - length, end: size - 1 } : 'unsatisfiable'
  }
  if (last && Number(last) < Number(first)) return undefined
  if (Number(first) >= size) return 'unsatisfiable'
  return { start: Number(first), end: last ? Math.min(Number(last), size - 1) : size - 1 }
}
