import { notFound } from '@registratur/core/errors'
import type { Clock, Staging, Table, Vault } from '@registratur/core/ports'
import type { PortalLocals } from '@registratur/portal/locals'
import type { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { requestId } from 'hono/request-id'
import type { Auth } from './auth/auth.ts'
import { authenticate } from './authenticate.ts'
import type { AppEnv } from './env.ts'
import { onError, problemResponse } from './errors.ts'
import { portal } from './portal.ts'
import { portalLocals } from './portal-locals.ts'
import { administration } from './routes/administration.ts'
import { contacts } from './routes/contacts.ts'
import { customers } from './routes/customers.ts'
import { documents } from './routes/documents.ts'
import { folders } from './routes/folders.ts'
import { grants } from './routes/grants.ts'
import { router } from './routes/route.ts'
import { uploads } from './routes/uploads.ts'
import { sameOriginOnly } from './same-origin.ts'
import { securityHeaders } from './security.ts'
import { handleAuth } from './sign-in.ts'

export interface Deps {
  table: Table
  staging: Staging
  vault: Vault
  auth: Auth
  clock: Clock
  /** Where people reach the archive: an origin, without a slash at the end. */
  url: string
  /** Further origins that are this archive, such as 127.0.0.1 beside localhost. */
  aliases?: string[]
  /** IANA time zone of the archive. */
  zone: string
  /** Origins of staging and vault where they are not our own. */
  storeOrigins?: string[]
  /** Folder where mail lies when there is no mail server, to be named on the sign-in page. */
  outbox?: string
  /** While nobody has set the archive up. */
  setup?(): PortalLocals['setup'] | Promise<PortalLocals['setup']>
  /** Header with the id that whoever stands before us has given the request; `x-request-id` when left out. */
  requestIdHeader?: string
  /** Serves signed URLs where the store is on this machine. */
  store?: Hono
  /** Routes of this installation, before the portal's. */
  extra?: Hono<AppEnv>
}

const MOST_BODY_BYTES = 1024 * 1024

/** The API's routes. `typeof api` is what the typed client knows. */
const api = router()
  .route('/', administration)
  .route('/', customers)
  .route('/', contacts)
  .route('/', folders)
  .route('/', uploads)
  .route('/', documents)
  .route('/', grants)
export type Api = typeof api

let document: object | undefined

/** The OpenAPI 3.1 description, made from the schemas on first use. */
export function openapi(): object {
  document ??= router()
    .route('/api', api)
    .getOpenAPI31Document({
      openapi: '3.1.0',
      info: {
        title: 'Registratur',
        version: '0.1.0',
        description: 'Customers, their folders and documents, and who may see them.',
        license: { name: 'Apache-2.0' },
      },
      security: [{ key: [] }],
    })
  return document
}

api.openAPIRegistry.registerComponent('securitySchemes', 'key', {
  type: 'http',
  scheme: 'bearer',
  description: 'An API key; people use the session cookie they get by signing in.',
})

/** One Hono app: the API, sign-in and the portal, over whatever adapters it is given. */
export function createApp(deps: Deps) {
  const app = router()
  app.onError(onError)
  app.use(
    requestId({ limitLength: 100, headerName: deps.requestIdHeader ?? 'x-request-id' }),
    securityHeaders({ origins: deps.storeOrigins }),
  )
  if (deps.store) app.route('/store', deps.store).all('/store/*', () => problemResponse(notFound('page')))
  app.use(bodyLimit({ maxSize: MOST_BODY_BYTES }))
  app.all('/api/auth/*', (c) => handleAuth(deps, c.req.raw))
  app.use(authenticate(deps), sameOriginOnly([deps.url, ...(deps.aliases ?? [])]))
  app.get('/api/openapi.json', (c) => c.json(openapi()))
  app.route('/api', api)
  if (deps.extra) app.route('/', deps.extra)
  app.all('/api/*', (c, next) => (c.req.path === '/api/docs' ? next() : problemResponse(notFound('page'))))
  app.route('/', portal<AppEnv>({ locals: (c) => portalLocals(deps, c.var.ctx, c.req.raw) }))
  return app
}
