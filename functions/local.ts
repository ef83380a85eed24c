/**
 * The archive on one machine: `npm start`, or `npm run demo` with an invented one to click through.
 *
 * PORT (4321) · HOST (127.0.0.1) · REGISTRATUR_DATA (./data) · REGISTRATUR_URL (http://localhost:PORT)
 * REGISTRATUR_ZONE (Europe/Berlin): the archive's time zone, in which retention ends.
 * REGISTRATUR_SMTP_URL and REGISTRATUR_MAIL_FROM for mail by SMTP; without them it is written to DATA/outbox.
 */
import { randomBytes } from 'node:crypto'
import { serve } from '@hono/node-server'
import { actorOf } from '@registratur/core/actor'
import { ArchiveError } from '@registratur/core/errors'
import { isSetUp, setUp } from '@registratur/core/staff'
import { Hono } from 'hono'
import { DEMO_CONTACT, loadDemo } from './demo.ts'
import { type Archive, openArchive } from './embedded.ts'
import type { AppEnv } from './env.ts'
import { offerSetup } from './setup.ts'

const DEMO_STAFF = 'demo@registratur.example'

const demo = process.argv.includes('--demo')
const port = Number(process.env.PORT || 4321)
if (!Number.isInteger(port) || port < 1 || port > 65_535) refuse('PORT is not a port: give a number, such as 4321.')
const url = (process.env.REGISTRATUR_URL || `http://localhost:${port}`).replace(/\/+$/, '')
if (!/^https?:$/.test(URL.parse(url)?.protocol ?? ''))
  refuse('REGISTRATUR_URL is not a URL: give it like https://archive.example.com.')
const dataDir = process.env.REGISTRATUR_DATA || (demo ? './data-demo' : './data')
const { REGISTRATUR_SMTP_URL: smtpUrl, REGISTRATUR_MAIL_FROM: from = 'registratur@localhost' } = process.env
if (smtpUrl && !/^smtps?:$/.test(URL.parse(smtpUrl)?.protocol ?? '')) {
  refuse('REGISTRATUR_SMTP_URL is not a mail server: give it like smtp://user:password@mail.example.com:587.')
}
const zone = process.env.REGISTRATUR_ZONE || 'Europe/Berlin'
if (!isZone(zone)) refuse('REGISTRATUR_ZONE is not a time zone: give it like Europe/Berlin.')

const token = randomBytes(24).toString('base64url')
/** Of the demo only: path → who is signed in by opening it, for as long as this process runs. */
const links = new Map<string, { email: string; who: string }>()
const extra = new Hono<AppEnv>().get('/demo/*', async (c, next) => {
  const link = links.get(c.req.path)
  if (!link) return next()
  for (const cookie of (await archive.auth.signInAs(link.email)).getSetCookie()) {
    c.header('set-cookie', cookie, { append: true })
  }
  return c.redirect('/')
})
const smtp = smtpUrl ? { url: smtpUrl, from } : undefined
const archive: Archive = await openArchive({
  ...{ dataDir, url, zone, smtp, extra },
  setup: () => offerSetup({ ...archive, token, loadDemo: (ctx) => loadDemo(ctx, put) }),
}).catch((error) => {
  if (error instanceof ArchiveError) refuse(error.message)
  if (error.code === 'EEXIST' || error.code === 'ENOTDIR') {
    refuse(`${dataDir} is not a folder. Choose another one with REGISTRATUR_DATA.`)
  }
  throw error
})

if (demo) await prepareDemo(archive)
const server = serve(
  {
    fetch: archive.app.fetch,
    port,
    hostname: process.env.HOST || '127.0.0.1',
    // An upload of 5 GiB may take longer than the five minutes Node allows a request.
    serverOptions: { requestTimeout: 0, headersTimeout: 60_000 },
  },
  announce,
)
server.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EADDRINUSE') throw error
  refuse(`Port ${port} is taken by another program. Choose another one: PORT=4322 npm start`)
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop)

function refuse(why: string): never {
  console.error(why)
  process.exit(1)
}

function isZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined
  } catch {
    return false
  }
}

async function announce(): Promise<void> {
  console.log(`Registratur is running at ${url} · data in ${dataDir}`)
  if (!smtpUrl) console.log(`No mail server is configured: mail, sign-in codes too, is written to ${archive.outbox}`)
  if (demo) {
    for (const [path, { who }] of links) console.log(`Sign in as ${who}: ${url}${path}`)
  } else if (!(await isSetUp(archive.table))) {
    console.log(`Set up this archive: ${url}/setup?token=${token}`)
  }
}

async function stop(): Promise<void> {
  server.close()
  if ('closeIdleConnections' in server) server.closeIdleConnections()
  await archive.close()
  process.exit(0)
}

async function prepareDemo({ table, context }: Archive): Promise<void> {
  if (!(await isSetUp(table))) {
    const company = 'Havel Maschinenservice GmbH'
    await setUp(context(), { name: 'Deniz Demo', email: DEMO_STAFF, company, language: 'en' })
    await loadDemo(context(), put)
  }
  if (!(await actorOf(table, DEMO_STAFF))) {
    refuse(`${dataDir} holds an archive that is not a demo. Choose another folder with REGISTRATUR_DATA.`)
  }
  for (const [email, who] of [
    [DEMO_STAFF, 'staff'],
    [DEMO_CONTACT, 'a contact'],
  ] as const) {
    links.set(`/demo/${randomBytes(18).toString('base64url')}`, { email, who })
  }
}

/** The demo's bytes go the way of every upload, without the detour over the network. */
async function put(target: string, headers: Record<string, string>, bytes: Buffer): Promise<void> {
  const response = await archive.app.request(target, {
    method: 'PUT',
    headers: { ...headers, 'content-length': String(bytes.length) },
    body: new Uint8Array(bytes),
  })
  if (!response.ok) throw new Error(`The demo could not be loaded: ${response.status}`)
}
