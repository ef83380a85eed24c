import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { Role, SYSTEM } from '@registratur/core/actor'
import { createApiKey, NewApiKey } from '@registratur/core/api-key'
import { newId } from '@registratur/core/ctx'
import { openTable } from '@registratur/embedded/table'
import { type Command, parse, required, UsageError } from './command.ts'

const help = `registratur key create --role ROLE --name NAME [--data DIR]

Make an API key on the machine that holds the archive's data, and print it, and nothing else.
It is shown this once: the archive keeps only a hash. Works before the archive is set up and while it runs.

  --role ROLE   administrator or clerk; may be given twice
  --name NAME   what the key is for, as the journal will call it
  --data DIR    the data folder (or REGISTRATUR_DATA; otherwise ./data)

Example:
  export REGISTRATUR_KEY=$(registratur key create --role administrator --name "nightly import" --data ./data)
`

async function run([verb, ...args]: string[]): Promise<number> {
  if (verb !== 'create') throw new UsageError(`registratur key knows only “create”.`)
  const { values } = parse(args, {
    role: { type: 'string', multiple: true },
    name: { type: 'string' },
    data: { type: 'string' },
  })
  const { name, roles } = checked(required(values.name, '--name'), values.role ?? [])
  const dataDir = resolve(values.data || process.env.REGISTRATUR_DATA || './data')
  const file = join(dataDir, 'archive.db')
  if (!existsSync(file)) console.error(`There is no archive in ${dataDir} yet: a new one begins with this key.`)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const table = openTable(file)
  try {
    const { key } = await createApiKey({ actor: SYSTEM, table, now: new Date(), newId }, { name, roles })
    console.log(key)
  } finally {
    await table.close()
  }
  return 0
}

function checked(name: string, given: string[]) {
  if (given.length === 0) throw new UsageError(`--role is missing: ${Role.options.join(' or ')}.`)
  const wrong = given.find((role) => !Role.safeParse(role).success)
  if (wrong !== undefined) throw new UsageError(`“${wrong}” is not a role: give ${Role.options.join(' or ')}.`)
  const input = NewApiKey.safeParse({ name, roles: [...new Set(given)] })
  if (input.success) return input.data
  throw new UsageError(`--name ${input.error.issues[0]?.message ?? 'is not valid'}.`)
}

export const command: Command = { help, run }
