import { Logger } from '@aws-lambda-powertools/logger'
import { Metrics } from '@aws-lambda-powertools/metrics'
import type { MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'

/** What a function tells its operators: one JSON object a line, without content, names or addresses. */
export interface Telemetry {
  log: Logger
  /** Count something that an alarm may watch. */
  count(metric: 'JobFailed' | 'StreamRecordFailed' | 'RequestFailed' | 'JobWoken' | 'OrphanRemoved', n?: number): void
}

export function telemetry(functionName: string): Telemetry {
  const metrics = new Metrics({ namespace: 'Registratur', serviceName: functionName })
  return {
    log: new Logger({ serviceName: functionName }),
    count(metric, n = 1) {
      metrics.addMetric(metric, 'Count', n)
      metrics.publishStoredMetrics()
    },
  }
}

/** One line a request. The route's pattern stands for its path, which names customers and documents. */
export function requestLog({ log, count }: Telemetry): MiddlewareHandler {
  return async (c, next) => {
    const start = performance.now()
    await next()
    const { status } = c.res
    if (status >= 500) count('RequestFailed')
    log.info('request', {
      ...{ method: c.req.method, route: routePath(c, -1), status },
      ms: Math.round(performance.now() - start),
      requestId: c.get('requestId'),
    })
  }
}

/** The name of an error: messages of foreign errors may quote what somebody entered. */
export const nameOf = (error: unknown) => (error instanceof Error ? error.name : 'unknown')
