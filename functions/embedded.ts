import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { SYSTEM } from '@registratur/core/actor'
import type { Clock, Mailer } from '@registratur/core/ports'
import { outboxMailer, smtpMailer } from '@registratur/embedded/mailer'
import { claimDataFolder } from '@registratur/embedded/server-lock'
import { openKey } from '@registratur/embedded/signer'
import { openStaging } from '@registratur/embedded/staging'
import { openTable } from '@registratur/embedded/table'
import { openVault } from '@registratur/embedded/vault'
import { startWorker } from '@registratur/embedded/worker'
import { createApp, type Deps } from './app.ts'
import { archiveAuth } from './auth/archive-auth.ts'
import { contextFor } from './authenticate.ts'
import { storeRoutes } from './store.ts'

export interface EmbeddedOptions extends Pick<Deps, 'setup' | 'extra'> {
  dataDir: string
  url: string
  zone?: string
  /** Without it, mail is written to `<data>/outbox`. */
  smtp?: { url: string; from: string }
  clock?: Clock
}

/** The whole archive on one machine: the adapters over a data folder, the app, the worker. */
export async function openArchive(options: EmbeddedOptions) {
  const { url, zone = 'Europe/Berlin', clock = () => new Date(), smtp } = options
  const dataDir = resolve(options.dataDir)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const release = claimDataFolder(dataDir)
  const table = openTable(join(dataDir, 'archive.db'))
  const staging = await openStaging({ dataDir, baseUrl: url, now: clock })
  const vault = await openVault({ dataDir, baseUrl: url, staging, now: clock })
  const secret = await openKey(join(dataDir, 'keys'), 'session.key')
  const outbox = join(dataDir, 'outbox')
  const mailer: Mailer = smtp ? smtpMailer(smtp) : outboxMailer(outbox)

  const aliases = loopbackAliases(url)
  const auth = archiveAuth({
    ...{ table, secret: secret.toString('base64'), baseUrl: url, aliases },
    context: () => context(),
  })
  const deps: Deps = {
    ...{ table, staging, vault, auth, clock, url, aliases, zone },
    outbox: smtp ? undefined : outbox,
    setup: options.setup,
    store: storeRoutes({ staging, vault }),
    extra: options.extra,
  }
  const context = () => contextFor(deps, SYSTEM)
  const worker = startWorker({
    ...{ table, context, mailer },
    failed: (job, error) =>
      console.error(JSON.stringify({ level: 'error', job, error: error instanceof Error ? error.name : 'unknown' })),
  })
  return {
    ...{ app: createApp(deps), deps, context, worker, table, vault, staging, auth, outbox },
    async close() {
      await worker.stop()
      await table.close()
      release()
    },
  }
}

export type Archive = Awaited<ReturnType<typeof openArchive>>

/** The names under which this machine reaches itself are the same archive. */
function loopbackAliases(url: string): string[] {
  const { hostname, port, protocol } = new URL(url)
  const names = ['localhost', '127.0.0.1', '[::1]']
  if (!names.includes(hostname)) return []
  return names.filter((name) => name !== hostname).map((name) => `${protocol}//${name}${port && `:${port}`}`)
}
