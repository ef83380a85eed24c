import { NodeHttpHandler } from '@smithy/node-http-handler'

export interface ClientOptions {
  region: string
  /** Aborts what is on its way, such as when the time of a Lambda runs out. Asked anew for each request. */
  signal?(): AbortSignal | undefined
  /** Tries of one call, the first included; the SDK waits between them for growing times with jitter. */
  attempts?: number
  /** Stands between the SDK and the network. For tests, which make it fail. */
  wrap?(handler: Handler): Handler
  endpoints?: { dynamodb?: string; s3?: string; ses?: string }
}

export type Handler = Pick<NodeHttpHandler, 'handle' | 'destroy' | 'metadata'>

const CONNECT_MS = 2_000
const ATTEMPTS = 4

/** Nothing waits for ever: DynamoDB answers in milliseconds, S3 copies 5 GiB before it answers. */
const ANSWER_MS = { dynamodb: 5_000, s3: 60_000, ses: 10_000 }

/** What every client is made with: a time limit and retries for each call, and an end to all of them. */
export function configured(
  { region, signal, attempts = ATTEMPTS, wrap, endpoints }: ClientOptions,
  service: keyof typeof ANSWER_MS,
) {
  const network = new NodeHttpHandler({
    connectionTimeout: CONNECT_MS,
    requestTimeout: ANSWER_MS[service],
    throwOnRequestTimeout: true,
    socketTimeout: ANSWER_MS[service],
    socketAcquisitionWarningTimeout: 60_000,
  })
  const endpoint = endpoints?.[service]
  return {
    region,
    maxAttempts: attempts,
    requestHandler: abortable(wrap ? wrap(network) : network, signal),
    ...(endpoint ? { endpoint } : {}),
  }
}

function abortable(inner: Handler, signal: ClientOptions['signal']): Handler {
  return {
    metadata: inner.metadata,
    handle: (request, options) =>
      inner.handle(request, { ...options, abortSignal: options?.abortSignal ?? signal?.() }),
    destroy: () => inner.destroy(),
  }
}
