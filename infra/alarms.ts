import { functions } from './function.ts'
import { changes, locks, undelivered } from './jobs.ts'
import { account, stage } from './names.ts'
import { web } from './web.ts'

const topic = new aws.sns.Topic('Alarms', {})
new aws.sns.TopicSubscription('AlarmsByMail', { topic: topic.arn, protocol: 'email', endpoint: stage.alarmEmail })

/** CloudWatch for the alarms, EventBridge for backups that failed; nobody else. */
new aws.sns.TopicPolicy('AlarmsPolicy', {
  arn: topic.arn,
  policy: $jsonStringify({
    Version: '2012-10-17',
    Statement: ['cloudwatch.amazonaws.com', 'events.amazonaws.com'].map((Service) => ({
      Effect: 'Allow',
      Principal: { Service },
      Action: 'sns:Publish',
      Resource: topic.arn,
      Condition: { StringEquals: { 'aws:SourceAccount': account } },
    })),
  }),
})
const backupFailed = new aws.cloudwatch.EventRule('BackupFailed', {
  description: 'A backup of the table did not succeed.',
  eventPattern: $jsonStringify({
    source: ['aws.backup'],
    'detail-type': ['Backup Job State Change'],
    detail: { state: ['ABORTED', 'EXPIRED', 'FAILED', 'PARTIAL'] },
  }),
})
new aws.cloudwatch.EventTarget('BackupFailedByMail', { rule: backupFailed.name, arn: topic.arn })

interface Watch {
  namespace: string
  metricName: string
  dimensions: Record<string, $util.Input<string>>
  description: string
  statistic?: 'Sum' | 'Maximum'
  /** Alarm when it is above this … */
  above?: number
  /** … in this many periods of five minutes, one after the other. */
  periods?: number
}

function alarm(name: string, { description, statistic = 'Sum', above = 0, periods = 1, ...metric }: Watch) {
  new aws.cloudwatch.MetricAlarm(`${name}Alarm`, {
    ...metric,
    alarmDescription: `${description} See docs/operations.md.`,
    statistic,
    period: 300,
    evaluationPeriods: periods,
    threshold: above,
    comparisonOperator: 'GreaterThanThreshold',
    treatMissingData: 'notBreaching',
    alarmActions: [topic.arn],
    okActions: [topic.arn],
  })
}

alarm('Undelivered', {
  namespace: 'AWS/SQS',
  metricName: 'ApproximateNumberOfMessagesVisible',
  dimensions: { QueueName: undelivered.name },
  statistic: 'Maximum',
  description: 'The table’s stream could not deliver a change.',
})

for (const { name, fn } of functions) {
  const dimensions = { FunctionName: fn.name }
  alarm(`${name}Errors`, {
    ...{ namespace: 'AWS/Lambda', metricName: 'Errors', dimensions },
    description: `${name} ends with errors.`,
    periods: 2,
  })
  alarm(`${name}Throttles`, {
    ...{ namespace: 'AWS/Lambda', metricName: 'Throttles', dimensions },
    description: `${name} is refused by Lambda: too many at once.`,
    periods: 2,
  })
}

alarm('WebAnswers5xx', {
  ...{ namespace: 'AWS/Lambda', metricName: 'Url5xxCount', dimensions: { FunctionName: web.name } },
  description: 'The portal answers with errors of its own.',
  above: 5,
})

for (const { name, fn } of [
  { name: 'Changes', fn: changes },
  { name: 'Locks', fn: locks },
]) {
  alarm(`${name}Late`, {
    ...{ namespace: 'AWS/Lambda', metricName: 'IteratorAge', dimensions: { FunctionName: fn.name } },
    statistic: 'Maximum',
    above: 5 * 60_000,
    description: 'Jobs start more than five minutes after their change.',
  })
}

// A failed job is written again for later, so that its function ends well: only its own count tells.
for (const [name, service] of [
  ['MailJobs', 'mail+merge'],
  ['LockJobs', 'lock'],
] as const) {
  alarm(`${name}Fail`, {
    ...{ namespace: 'Registratur', metricName: 'JobFailed', dimensions: { service } },
    description: 'The same jobs fail again and again.',
    periods: 3,
  })
}
