import { changesOf } from '@registratur/aws/table'
import type { Job, JobRow } from '@registratur/core/job'
import type { Mailer } from '@registratur/core/ports'
import { runJob } from '@registratur/core/worker'
import type { DynamoDBBatchResponse, DynamoDBRecord, DynamoDBStreamEvent } from 'aws-lambda'
import type { Aws, Invocation } from './aws.ts'
import { nameOf, telemetry } from './log.ts'

export interface JobsOptions {
  aws: Aws
  /** What this function's rights are made for; the others belong to another function on the same stream. */
  kinds: Job['kind'][]
  mailer?: Mailer
}

/**
 * A handler of the table's stream that runs the jobs it tells of. A job that fails is written again for later and is
 * no failure of the batch; what the table could not take is reported, and comes again.
 */
export function jobsHandler({ aws, kinds, mailer = noMailer }: JobsOptions) {
  const { log, count } = telemetry(kinds.join('+'))
  const failed = (job: { id: string; kind: string; attempts: number }, error: unknown) => {
    count('JobFailed')
    log.error('job failed', { job, error: nameOf(error) })
  }

  return async ({ Records }: DynamoDBStreamEvent, invocation: Invocation): Promise<DynamoDBBatchResponse> => {
    aws.begin(invocation)
    const run = async (record: DynamoDBRecord) => {
      const [change] = changesOf([record])
      if (!change?.item || !change.key.pk.startsWith('job#')) return []
      if (!kinds.includes((change.item as JobRow).job.kind)) return []
      try {
        await runJob(aws.context(), { mailer, failed }, change.key)
        return []
      } catch (error) {
        count('StreamRecordFailed')
        log.error('not run', { error: nameOf(error) })
        return [{ itemIdentifier: record.dynamodb?.SequenceNumber ?? '' }]
      }
    }
    return { batchItemFailures: (await Promise.all(Records.map(run))).flat() }
  }
}

const noMailer: Mailer = () => Promise.reject(new Error('This function sends no mail.'))
