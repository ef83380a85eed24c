import { once } from 'node:events'
import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { type EngineArchive, openArchive } from './archive.ts'
import type { S3Access } from './kit.ts'
import { freePorts } from './process.ts'

/** The archive over engines, reached by HTTP: each request goes through the Lambda handler. */
export async function serveArchive(engines: { dynamodb: string; s3: S3Access }, wanted?: number) {
  const port = wanted ?? (await freePorts(1))[0] ?? 0
  const archive: EngineArchive = await openArchive({ ...engines, url: `http://localhost:${port}` })
  const server = serve({ fetch: archive.fetch, port, hostname: '127.0.0.1' }) as Server
  await once(server, 'listening')
  return {
    ...archive,
    async close() {
      server.closeAllConnections()
      server.close()
      await archive.close()
    },
  }
}
