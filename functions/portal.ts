import { createReadStream, existsSync, readdirSync, statSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import type { PortalLocals } from '@registratur/portal/locals'
import { type Context, type Env, Hono } from 'hono'

export interface PortalOptions<E extends Env> {
  /** What pages may use, made anew for each request. */
  locals(c: Context<E>): PortalLocals | Promise<PortalLocals>
  /** The portal's built files. */
  client?: string
}

const CLIENT = fileURLToPath(new URL('../portal/dist/client', import.meta.url))

/**
 * The portal: its built files, and everything else rendered by Astro in this process.
 *
 * @example app.route('/', portal({ locals: (c) => ({ ctx: c.var.ctx, … }) }))
 */
export function portal<E extends Env>({ locals, client = CLIENT }: PortalOptions<E>): Hono<E> {
  const app = new Hono<E>()
  const assets = findAssets(client)
  app.on(['GET', 'HEAD'], '*', async (c, next) => {
    const asset = assets.get(c.req.path)
    return asset ? serve(asset, c) : next()
  })
  app.all('/_astro/*', (c) => c.text('Not found', 404))
  app.all('*', async (c) => {
    // Loaded with the first page: calls to the API alone never pay for it.
    const { render } = await import('@registratur/portal/server')
    const response = await render(c.req.raw, await locals(c))
    const headers = new Headers(response.headers)
    headers.set('cache-control', 'no-store')
    headers.append('vary', 'cookie, accept-language')
    if (headers.get('content-type') === 'text/html') headers.set('content-type', 'text/html; charset=utf-8')
    return new Response(response.body, { status: response.status, headers })
  })
  return app
}

interface Asset {
  path: string
  type: string
  size: number
  immutable: boolean
  /** Content coding → path of the precompressed file. */
  encoded: Map<string, string>
}

const TYPES: Record<string, string> = {
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.txt': 'text/plain; charset=utf-8',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
}

/** All files by their URL path, read once: a request can name nothing else. */
function findAssets(client: string): Map<string, Asset> {
  const assets = new Map<string, Asset>()
  if (!existsSync(client)) return assets
  for (const entry of readdirSync(client, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || /\.(br|gz)$/.test(entry.name)) continue
    const path = join(entry.parentPath, entry.name)
    const url = `/${relative(client, path).split(sep).join('/')}`
    const encoded = new Map<string, string>()
    for (const [coding, suffix] of [
      ['br', '.br'],
      ['gzip', '.gz'],
    ] as const)
      if (existsSync(path + suffix)) encoded.set(coding, path + suffix)
    const type = TYPES[extname(entry.name)] ?? 'application/octet-stream'
    assets.set(url, { path, type, size: statSync(path).size, immutable: url.startsWith('/_astro/'), encoded })
  }
  return assets
}

function serve(asset: Asset, c: Context): Response {
  const accepted = c.req.header('accept-encoding') ?? ''
  const [coding, path] = [...asset.encoded].find(([name]) => accepted.includes(name)) ?? []
  const size = path ? statSync(path).size : asset.size
  const headers = new Headers({
    'content-type': asset.type,
    'content-length': String(size),
    'cache-control': asset.immutable ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
  })
  if (asset.encoded.size > 0) headers.set('vary', 'accept-encoding')
  if (coding) headers.set('content-encoding', coding)
  if (c.req.method === 'HEAD') return new Response(null, { headers })
  return new Response(Readable.toWeb(createReadStream(path ?? asset.path)) as ReadableStream, { headers })
}
