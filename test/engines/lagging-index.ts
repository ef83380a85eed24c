import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Engine } from './process.ts'

/**
 * Stands before DynamoDB and makes its index lag: until some time after the last write, an index shows nothing at all.
 *
 * @param milliseconds  how long; for ever when infinite
 */
export async function startLaggingIndex(dynamodb: string, milliseconds: number): Promise<Engine> {
  let written = 0
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const target = String(request.headers['x-amz-target'] ?? '')
    if (/\.(TransactWriteItems|UpdateItem|PutItem|DeleteItem)$/.test(target)) written = Date.now()
    if (
      target.endsWith('.Query') &&
      'IndexName' in JSON.parse(body.toString()) &&
      Date.now() < written + milliseconds
    ) {
      response.writeHead(200, { 'content-type': 'application/x-amz-json-1.0' })
      response.end(JSON.stringify({ Items: [], Count: 0, ScannedCount: 0 }))
      return
    }
    const headers = new Headers()
    for (const name of ['content-type', 'x-amz-target', 'x-amz-date', 'authorization']) {
      headers.set(name, String(request.headers[name] ?? ''))
    }
    const answer = await fetch(dynamodb, { method: 'POST', headers, body })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(Buffer.from(await answer.arrayBuffer()))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    url: `http://127.0.0.1:${port}`,
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
