import { restore } from '@registratur/embedded/backup'
import { type Command, parse, required } from './command.ts'
import { bytes, counted } from './text.ts'

const help = `registratur restore --from DIR --data DIR

Make a data folder from a backup, after comparing every file of it with its SHA-256 and every version with what was
filed. Nothing is restored from a backup that is damaged.

  --from DIR   what registratur backup wrote
  --data DIR   a folder that does not exist yet, or is empty

Example:
  registratur restore --from /backups/2026-11-22 --data ./data
`

async function run(args: string[]): Promise<number> {
  const { values } = parse(args, { data: { type: 'string' }, from: { type: 'string' } })
  const [from, dataDir] = [required(values.from, '--from'), required(values.data, '--data')]
  const checked = await restore({ from, dataDir })
  console.log(`Restored to ${dataDir} and checked: ${counted(checked.files, 'file')}, ${bytes(checked.bytes)},`)
  console.log(`the bytes of ${counted(checked.versions, 'version')}, as of ${checked.createdAt}.`)
  return 0
}

export const command: Command = { help, run }
