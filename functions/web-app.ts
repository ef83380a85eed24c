import { Hono } from 'hono'
import { createApp } from './app.ts'
import { archiveAuth } from './auth/archive-auth.ts'
import { type Aws, type AwsEnvironment, type Invocation, need } from './aws.ts'
import { throughEdge } from './edge.ts'
import { onError } from './errors.ts'
import { requestLog, telemetry } from './log.ts'
import { offerSetup } from './setup.ts'

/** The one Hono app on AWS, with what belongs to the edge and the invocation around it. */
export function webApp(aws: Aws, env: AwsEnvironment) {
  const { table, staging, vault, clock, url, zone, storeOrigins, context } = aws
  const auth = archiveAuth({ table, secret: need(env, 'REGISTRATUR_SESSION_SECRET'), baseUrl: url, context })
  const { REGISTRATUR_SETUP_TOKEN: token, REGISTRATUR_EDGE_SECRETS: secrets } = env
  const setup = token ? () => offerSetup({ table, auth, context, token }) : undefined
  const app = createApp({
    table,
    staging,
    vault,
    auth,
    clock,
    url,
    zone,
    storeOrigins,
    setup,
    requestIdHeader: 'x-amz-cf-id',
  })

  const outer = new Hono<{ Bindings: { context?: Invocation } }>()
  outer.onError(onError)
  outer.use(async (c, next) => {
    aws.begin(c.env?.context)
    await next()
  })
  outer.use(requestLog(telemetry('web')))
  if (secrets) outer.use(throughEdge(secrets.split(',').filter(Boolean)))
  return outer.route('/', app)
}
