/** Lambda, every five minutes: wakes the workers for jobs that a lost wake-up or a failure left behind. */
import { wakeJobs } from '@registratur/core/wake'
import { type Invocation, openAws } from './aws.ts'
import { telemetry } from './log.ts'

const MINUTES = 5
const aws = openAws(process.env)
const { log, count } = telemetry('schedule')

export async function handler(_event: unknown, invocation: Invocation): Promise<void> {
  aws.begin(invocation)
  const jobs = await wakeJobs(aws.context(), MINUTES)
  if (jobs) count('JobWoken', jobs)
  log.info('woken', { jobs })
}
