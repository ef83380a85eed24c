/** Lambda, daily: removes what no row points to. */
import { sweep } from '@registratur/core/sweep'
import { type Invocation, openAws } from './aws.ts'
import { logger } from './log.ts'

const aws = openAws(process.env)
const log = logger('sweep')

export async function handler(_event: unknown, invocation: Invocation): Promise<void> {
  aws.begin(invocation)
  log.info('swept', await sweep(aws.context()))
}
