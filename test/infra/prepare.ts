/**
 * `npm run test:infra` begins here: SST's platform and the portal's files, where they are missing; the types of
 * `infra`, which belong to SST's own compiler; the bundle that runs the app under mocks.
 */
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const platform = join(root, '.sst/platform')
export const BUNDLE = join(platform, 'app.mocks.mjs')

/** Of a stage that exists nowhere. */
export const ENVIRONMENT = {
  REGISTRATUR_DOMAIN: 'archive.example.com',
  REGISTRATUR_MAIL_FROM: 'archive@example.com',
  REGISTRATUR_ALARM_EMAIL: 'operators@example.com',
}

const run = (command: string, ...args: string[]) =>
  execFileSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: {
      ...process.env,
      ...ENVIRONMENT,
      SST_SKIP_DEPENDENCY_CHECK: '1',
      SST_NO_BUN: '1',
      SST_TELEMETRY_DISABLED: '1',
      DO_NOT_TRACK: '1',
    },
  })

export default async function prepare(): Promise<void> {
  if (!existsSync(join(platform, 'node_modules/@pulumi/random'))) run('npx', 'sst', 'install', '--stage', 'ci')
  if (!existsSync(join(root, 'portal/dist/client'))) run('npm', 'run', 'build', '--workspace', 'portal')
  run(join(platform, 'node_modules/.bin/tsc'), '-p', 'infra')
  const { build } = createRequire(join(platform, 'package.json'))('esbuild')
  await build({
    entryPoints: [join(root, 'test/infra/app.mocks.ts')],
    outfile: BUNDLE,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'esnext',
    // Found from the platform's folder, where the bundle lies.
    packages: 'external',
    logLevel: 'error',
    banner: {
      js: [
        "import { createRequire as makeRequire } from 'node:module'",
        "import { fileURLToPath as toPath } from 'node:url'",
        "import { dirname as folderOf } from 'node:path'",
        'const require = makeRequire(import.meta.url)',
        'const __filename = toPath(import.meta.url)',
        'const __dirname = folderOf(__filename)',
      ].join('\n'),
    },
  })
}
