import { once } from 'node:events'
import { createServer } from 'node:http'

export interface SentMail {
  to: string
  subject: string
  text: string
  id: string
}

/** Takes mail as SES's API does (version 2), and keeps it. */
export async function startSes(): Promise<{ url: string; sent: SentMail[]; stop(): Promise<void> }> {
  const sent: SentMail[] = []
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (request.method !== 'POST' || request.url !== '/v2/email/outbound-emails') {
      response.writeHead(404).end('{}')
      return
    }
    const { Destination, Content } = JSON.parse(body)
    const { Subject, Body, Headers } = Content.Simple
    const id = Headers.find(({ Name }: { Name: string }) => Name === 'X-Registratur-Mail').Value
    sent.push({ to: Destination.ToAddresses[0], subject: Subject.Data, text: Body.Text.Data, id })
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ MessageId: String(sent.length) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return {
    ...{ url: `http://127.0.0.1:${port}`, sent },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
