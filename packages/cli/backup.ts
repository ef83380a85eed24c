import { backup, verifyBackup } from '@registratur/embedded/backup'
import { type Command, parse, required } from './command.ts'
import { bytes, counted } from './text.ts'

const help = `registratur backup --to DIR [--data DIR]

Copy an archive's data folder into a new folder while the archive is in use, then read the copy again and compare
every file with its SHA-256 and every version with what was filed.

  --to DIR     a folder that does not exist yet, or is empty
  --data DIR   the data folder (or REGISTRATUR_DATA; otherwise ./data)

The copy holds the archive's keys: keep it as safe as the archive itself.

Example:
  registratur backup --data ./data --to /backups/2026-11-22
`

async function run(args: string[]): Promise<number> {
  const { values } = parse(args, { data: { type: 'string' }, to: { type: 'string' } })
  const to = required(values.to, '--to')
  await backup({ dataDir: values.data || process.env.REGISTRATUR_DATA || './data', to })
  const { problems, ...checked } = await verifyBackup(to)
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) {
    console.error(`The backup in ${to} is not whole. Keep an earlier one, and make another.`)
    return 1
  }
  console.log(`Backed up to ${to} and checked: ${counted(checked.files, 'file')}, ${bytes(checked.bytes)},`)
  console.log(`the bytes of ${counted(checked.versions, 'version')}, as of ${checked.createdAt}.`)
  return 0
}

export const command: Command = { help, run }
