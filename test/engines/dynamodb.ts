import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Engine, freePorts, MissingEngine, run, start, until } from './process.ts'

/** AWS's own DynamoDB Local, with transactions and streams, as it lies in an npm package. */
const PACKAGE = 'amplify-dynamodb-simulator'
const VERSION = '2.9.30'
const SHA512 = 'xTeeRLvzEfqyd5lh3bH4c0kHvSHHmmhD5ZDsHFKAQ5g2Zl6JqlFdutaQhCLHzxEp6Ry1o7TB6niIoXuQAnSewQ=='
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/registratur', import.meta.url))

/**
 * Start DynamoDB Local in memory.
 *
 * @throws {MissingEngine} without Java or the package
 */
export async function startDynamoDb(): Promise<Engine> {
  await run('java', ['-version']).catch(() => {
    throw new MissingEngine('DynamoDB Local needs Java 17: apt-get install openjdk-17-jre-headless')
  })
  const folder = await fetchPackage()
  const [port] = await freePorts(1)
  const url = `http://127.0.0.1:${port}`
  const args = [
    '-Xmx1g',
    '-Djava.library.path=DynamoDBLocal_lib',
    '-jar',
    'DynamoDBLocal.jar',
    '-inMemory',
    '-sharedDb',
    '-port',
  ]
  const program = start('java', [...args, String(port), '-disableTelemetry'], { cwd: folder })
  try {
    // It answers everything that is not signed with 400.
    await until(async () => (await fetch(url)).status === 400, [program])
  } catch (error) {
    await program.stop()
    throw error
  }
  return { url, stop: () => program.stop() }
}

/** Fetched once, then kept beside the other packages. */
async function fetchPackage(): Promise<string> {
  const folder = join(CACHE, `dynamodb-local-${VERSION}`)
  if (existsSync(folder)) return join(folder, 'package/emulator')
  await mkdir(CACHE, { recursive: true })
  const work = await mkdtemp(join(CACHE, 'fetch-'))
  try {
    await run('npm', ['pack', `${PACKAGE}@${VERSION}`, '--pack-destination', work], { cwd: work }).catch((error) => {
      throw new MissingEngine(`${PACKAGE} could not be fetched: ${error.message}`)
    })
    const tarball = join(work, `${PACKAGE}-${VERSION}.tgz`)
    const found = createHash('sha512')
      .update(await readFile(tarball))
      .digest('base64')
    if (found !== SHA512) throw new Error(`${PACKAGE}@${VERSION} is not what it was: sha512-${found}`)
    await run('tar', ['xzf', tarball, '-C', work])
    await rm(tarball)
    await rename(work, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return join(folder, 'package/emulator')
}
