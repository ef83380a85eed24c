import { type ParseArgsOptionsConfig, parseArgs } from 'node:util'

export interface Command {
  /** What `--help` prints, with examples. */
  help: string
  /** @returns the exit code */
  run(args: string[]): Promise<number>
}

/** The command was not given as it must be: exit code 2. */
export class UsageError extends Error {}

/** Options of every command that talks to a running archive. */
export const CONNECTION = { url: { type: 'string' }, key: { type: 'string' } } as const

/**
 * Read a command line.
 *
 * @param operands  names of what is given without an option, all of them required
 * @throws {UsageError}
 */
export function parse<const O extends ParseArgsOptionsConfig>(args: string[], options: O, operands: string[] = []) {
  const { values, positionals } = read(args, options)
  const [missing] = operands.slice(positionals.length)
  if (missing) throw new UsageError(`${missing} is missing.`)
  const extra = positionals[operands.length]
  if (extra !== undefined) throw new UsageError(`“${extra}” is one argument too many.`)
  return { values, operands: positionals }
}

function read<const O extends ParseArgsOptionsConfig>(args: string[], options: O) {
  try {
    return parseArgs({ args, options, allowPositionals: true, strict: true })
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (!code?.startsWith('ERR_PARSE_ARGS')) throw error
    throw new UsageError(`${message.split(/\.\s|\n/)[0]?.replace(/\.$/, '')}.`)
  }
}

/** @throws {UsageError} when it was not given, or empty */
export function required(value: string | undefined, option: string): string {
  if (!value) throw new UsageError(`${option} is missing.`)
  return value
}
