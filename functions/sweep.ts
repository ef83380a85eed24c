/** Lambda, daily: removes what no row points to. */
import { sweep } from '@registratur/core/sweep'
import { type Invocation, openAws } from './aws.ts'
import { telemetry } from './log.ts'

const aws = openAws(process.env)
const { log, count } = telemetry('sweep')

export async function handler(_event: unknown, invocation: Invocation): Promise<void> {
  aws.begin(invocation)
  const swept = await sweep(aws.context())
  if (swept.orphans) count('OrphanRemoved', swept.orphans)
  log.info('swept', swept)
}
