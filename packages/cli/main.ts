import { ArchiveError } from '@registratur/core/errors'
import { type Command, UsageError } from './command.ts'
import { Refused } from './request.ts'
import { printable } from './text.ts'

const COMMANDS: Record<string, () => Promise<{ command: Command }>> = {
  import: () => import('./import/import.ts'),
  export: () => import('./export/export.ts'),
  key: () => import('./key.ts'),
  backup: () => import('./backup.ts'),
  restore: () => import('./restore.ts'),
}

const HELP = `registratur — fill, copy and look after an archive

  registratur import DIR            file a tree of folders: DIR/<customer>/<folder>/…/<file>
  registratur export --customer N   write a customer's documents back to a folder
  registratur key create            make an API key, on the machine that holds the data
  registratur backup                copy an archive's data folder while it is in use
  registratur restore               make a data folder from a backup

registratur COMMAND --help explains a command.

Options of the commands that talk to a running archive:
  --url URL    where it runs (or REGISTRATUR_URL; otherwise http://localhost:4321)
  --key KEY    an API key (better in REGISTRATUR_KEY: other users of this machine see command lines)

Exit codes: 0 all done, 1 something was not done, 2 wrong usage.
`

process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})
process.exitCode = await main(process.argv.slice(2))

async function main([name, ...args]: string[]): Promise<number> {
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    const text = await helpOf(args[0])
    if (name === undefined) console.error(text)
    else process.stdout.write(text)
    return name === undefined ? 2 : 0
  }
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!load) {
    console.error(`There is no command “${printable(name)}”. registratur --help lists them.`)
    return 2
  }
  const { command } = await load()
  if (asksForHelp(args)) {
    process.stdout.write(command.help)
    return 0
  }
  try {
    return await command.run(args)
  } catch (error) {
    return explain(error, name)
  }
}

async function helpOf(name: string | undefined): Promise<string> {
  const load = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  return load ? (await load()).command.help : HELP
}

function asksForHelp(args: string[]): boolean {
  const end = args.indexOf('--')
  return (end < 0 ? args : args.slice(0, end)).some((arg) => arg === '--help' || arg === '-h')
}

/** What went wrong, for a person. Only what nobody foresaw keeps its stack. */
function explain(error: unknown, name: string): number {
  if (error instanceof UsageError) {
    console.error(`${error.message}\nregistratur ${name} --help shows how.`)
    return 2
  }
  const foreseen = error instanceof Refused || error instanceof ArchiveError || (error as { code?: unknown })?.code
  console.error(foreseen ? printable((error as Error).message) : error)
  return 1
}
