import { Logger } from '@aws-lambda-powertools/logger'
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'

/** A function's log: one JSON object a line, without content, names or addresses. */
export function logger(functionName: string): Logger {
  return new Logger({ serviceName: 'registratur', persistentKeys: { function: functionName } })
}

/** One line a request. The route's pattern stands for its path, which names customers and documents. */
export function requestLog(log: Logger): MiddlewareHandler {
  return async (c, next) => {
    const start = performance.now()
    await next()
    log.info('request', {
      method: c.req.method,
      route: routePath(c, -1),
      status: c.res.status,
      ms: Math.round(performance.now() - start),
      requestId: c.res.headers.get('x-request-id') ?? undefined,
    })
  }
}
