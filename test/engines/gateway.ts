import { randomUUID } from 'node:crypto'
import { PassThrough, Readable, type Writable } from 'node:stream'

/** What the Lambda runtime gives to a handler that streams. */
interface Metadata {
  statusCode: number
  headers: Record<string, string>
  cookies: string[]
}

class ResponseStream extends PassThrough {
  readonly metadata: Promise<Metadata>
  begin: (metadata: Metadata) => void = () => {}

  constructor() {
    super()
    this.metadata = new Promise((resolve) => {
      this.begin = resolve
    })
  }
}

type StreamingHandler = (event: object, stream: Writable, context: object) => Promise<void>

/** The globals that the Lambda runtime has. To be called before a streaming handler is imported. */
export function actAsLambda(): void {
  Object.assign(globalThis, {
    awslambda: {
      streamifyResponse: (handler: StreamingHandler) => handler,
      HttpResponseStream: {
        from(stream: ResponseStream, metadata: Metadata) {
          stream.begin(metadata)
          return stream
        },
      },
    },
  })
}

export const invocation = (seconds = 30) => {
  const end = Date.now() + seconds * 1000
  return { awsRequestId: randomUUID(), getRemainingTimeInMillis: () => end - Date.now() }
}

/** A request as CloudFront and a function URL hand it to a handler (payload format 2.0), and its streamed answer. */
export async function invoke(handler: unknown, request: Request, more: Record<string, string> = {}): Promise<Response> {
  const { pathname, search, host } = new URL(request.url)
  const body = Buffer.from(await request.arrayBuffer())
  const { cookie, ...headers } = { ...Object.fromEntries(request.headers), ...more } as Record<string, string>
  const event = {
    ...{ version: '2.0', routeKey: '$default', rawPath: pathname, rawQueryString: search.slice(1) },
    cookies: cookie?.split('; '),
    headers: { ...headers, host: 'abc.lambda-url.eu-central-1.on.aws', 'x-forwarded-host': host },
    requestContext: {
      ...{ accountId: 'anonymous', apiId: 'abc', domainName: 'abc.lambda-url.eu-central-1.on.aws', stage: '$default' },
      ...{ domainPrefix: 'abc', requestId: randomUUID(), routeKey: '$default', authentication: null },
      ...{ time: new Date().toISOString(), timeEpoch: Date.now() },
      http: { method: request.method, path: pathname, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'test' },
    },
    body: body.length ? body.toString('base64') : null,
    isBase64Encoded: body.length > 0,
  }
  const stream = new ResponseStream()
  const done = (handler as StreamingHandler)(event, stream, invocation())
  const {
    statusCode,
    headers: given,
    cookies,
  } = await Promise.race([
    stream.metadata,
    done.then(() => {
      throw new Error('The handler ended without an answer.')
    }),
  ])
  const answer = new Headers(given)
  for (const each of cookies) answer.append('set-cookie', each)
  const empty = request.method === 'HEAD' || [204, 304].includes(statusCode)
  if (empty) stream.resume()
  return new Response(empty ? null : (Readable.toWeb(stream) as ReadableStream), {
    status: statusCode,
    headers: answer,
  })
}
