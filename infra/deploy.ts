/**
 * `npm run deploy -- --stage NAME [--dry-run]`: first the vault stack, then the app, each with its own tool.
 *
 * Settings come from the environment and `.env.NAME`; docs/deploy.md lists them.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { type Settings, settings } from './settings.ts'

export interface Step {
  says: string
  command: string[]
}

/** What a deployment runs, in this order: the app reads the names that the vault stack has written. */
export function steps(stage: string, { domain }: Pick<Settings, 'domain'>): Step[] {
  const context = ['--context', `stage=${stage}`, '--context', `origin=https://${domain}`]
  return [
    { says: 'Build the portal', command: ['npm', 'run', 'build', '--workspace', 'portal'] },
    {
      says: 'Vault stack: buckets, table, keys, backups. CDK asks before it widens any right.',
      command: ['npx', 'cdk', 'deploy', 'Vault', '--app', 'node infra/vault-app.ts', ...context],
    },
    {
      says: 'App: functions, schedules, alarms, CloudFront. A first deployment takes about ten minutes.',
      command: ['npx', 'sst', 'deploy', '--stage', stage],
    },
  ]
}

function main(): void {
  const { values } = parseArgs({ options: { stage: { type: 'string' }, 'dry-run': { type: 'boolean' } } })
  const { stage = '' } = values
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(stage)) {
    fail('Name the stage: npm run deploy -- --stage production\nLower-case letters, digits and dashes; 20 at most.')
  }
  const cwd = fileURLToPath(new URL('..', import.meta.url))
  const file = `${cwd}.env.${stage}`
  if (existsSync(file)) process.loadEnvFile(file)
  let read: Settings
  try {
    read = settings()
  } catch (error) {
    fail(`${(error as Error).message}\nSet them in the environment or in .env.${stage}; docs/deploy.md says more.`)
  }
  console.log(`Stage ${stage} in ${read.region}, at https://${read.domain}`)
  for (const { says, command } of steps(stage, read)) {
    console.log(`\n== ${says}\n   ${command.join(' ')}`)
    if (values['dry-run']) continue
    const [program = '', ...args] = command
    const env = { ...process.env, AWS_REGION: read.region }
    const { status, error } = spawnSync(program, args, { cwd, env, stdio: 'inherit' })
    if (status !== 0)
      fail(`It failed${error ? `: ${error.message}` : ''}. What was done stays; run it again when mended.`)
  }
}

function fail(message: string): never {
  console.error(message)
  process.exit(1)
}

if (import.meta.main) main()
