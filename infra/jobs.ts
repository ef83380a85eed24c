import { environment } from './environment.ts'
import { archiveFunction } from './function.ts'
import { stage, table } from './names.ts'
import {
  everyRow,
  extendLocks,
  jobRows,
  readRows,
  readStream,
  removeOrphans,
  sendMail,
  sendTo,
  wakeJobs,
} from './permissions.ts'

const TWO_WEEKS = 14 * 24 * 3600

/** What the stream could not deliver. The jobs themselves are rows, and the schedule finds them all the same. */
export const undelivered = new aws.sqs.Queue('Undelivered', {
  sqsManagedSseEnabled: true,
  messageRetentionSeconds: TWO_WEEKS,
})

/** Runs the jobs that need the table and mail. */
export const changes = archiveFunction('Changes', {
  handler: 'functions/changes.handler',
  memory: '1024 MB',
  timeout: '2 minutes',
  environment: { ...environment, REGISTRATUR_MAIL_FROM: stage.mailFrom },
  permissions: [...everyRow(), ...sendMail(), ...readStream(), ...sendTo(undelivered.arn)],
})
wake('Changes', changes, ['mail', 'merge'])

/** The only one that makes locks longer. */
export const locks = archiveFunction('Locks', {
  handler: 'functions/locks.handler',
  memory: '512 MB',
  timeout: '2 minutes',
  environment,
  permissions: [...jobRows(), ...extendLocks(), ...readStream(), ...sendTo(undelivered.arn)],
})
wake('Locks', locks, ['lock'])

/** Wakes the others for jobs whose wake-up got lost, and for those whose time has come. */
const schedule = archiveFunction('Schedule', {
  handler: 'functions/schedule.handler',
  memory: '512 MB',
  timeout: '4 minutes',
  environment,
  permissions: wakeJobs(),
})
new sst.aws.CronV2('EveryFiveMinutes', { function: schedule, schedule: 'rate(5 minutes)' })

/** Removes what no row points to. */
const sweep = archiveFunction('Sweep', {
  handler: 'functions/sweep.handler',
  memory: '512 MB',
  timeout: '15 minutes',
  environment,
  permissions: [...readRows(), ...removeOrphans()],
})
new sst.aws.CronV2('EveryNight', { function: sweep, schedule: 'cron(30 1 * * ? *)', timezone: stage.zone })

/** The stream tells of every row that is written; only jobs of these kinds start the function. */
function wake(name: string, fn: sst.aws.Function, kinds: string[]): void {
  const pattern = {
    eventName: ['INSERT', 'MODIFY'],
    dynamodb: {
      Keys: { pk: { S: [{ prefix: 'job#' }] } },
      NewImage: { job: { M: { kind: { S: kinds } } } },
    },
  }
  new aws.lambda.EventSourceMapping(`${name}Wakes`, {
    eventSourceArn: table.stream,
    functionName: fn.arn,
    startingPosition: 'TRIM_HORIZON',
    batchSize: 100,
    parallelizationFactor: 4,
    maximumRetryAttempts: 10,
    bisectBatchOnFunctionError: true,
    functionResponseTypes: ['ReportBatchItemFailures'],
    filterCriteria: { filters: [{ pattern: JSON.stringify(pattern) }] },
    destinationConfig: { onFailure: { destinationArn: undelivered.arn } },
  })
}
