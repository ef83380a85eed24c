/**
 * `npm run start:engines`: the whole archive as it runs on AWS, over engines on this machine, to click through. Nothing
 * of it stays. PORT (4321).
 */
import { SETUP_TOKEN } from './archive.ts'
import { startCeph } from './ceph.ts'
import { startDynamoDb } from './dynamodb.ts'
import type { Engine } from './process.ts'
import { serveArchive } from './serve.ts'

const engines: Engine[] = []
let archive: Awaited<ReturnType<typeof serveArchive>> | undefined

async function stop(code: number): Promise<never> {
  clearInterval(postman)
  await archive?.close()
  for (const engine of engines) await engine.stop()
  process.exit(code)
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop(0))

let shown = 0
const postman = setInterval(() => {
  for (const { to, subject, text } of archive?.sent.slice(shown) ?? []) {
    console.log(`\nMail to ${to}: ${subject}\n\n${text}`)
    shown++
  }
}, 200)

try {
  console.log('Starting DynamoDB Local and Ceph’s S3 gateway …')
  const [dynamodb, s3] = await Promise.all([startDynamoDb(), startCeph()])
  engines.push(dynamodb, s3)
  archive = await serveArchive({ dynamodb: dynamodb.url, s3 }, Number(process.env.PORT || 4321))
  const token = encodeURIComponent(SETUP_TOKEN)
  console.log(`Registratur is running at ${archive.url} on ${dynamodb.url} and ${s3.url}`)
  console.log(`Set up this archive: ${archive.url}/setup?token=${token}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  await stop(1)
}
