import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { BUNDLE, ENVIRONMENT } from './prepare.ts'

interface Resource {
  type: string
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever pulumi was given
  inputs: any
}
interface Statement {
  effect: 'Allow' | 'Deny'
  principals: string[]
  actions: string[]
  resources: string[]
  /** `operator variable value`, sorted. */
  conditions: string[]
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'registratur-infra-'))
afterAll(() => rmSync(folder, { recursive: true }))

let resources: Resource[] = []
let handlers: Record<string, string> = {}
let outputs: Record<string, unknown> = {}

beforeAll(async () => {
  const file = join(folder, 'resources.json')
  const env = { ...process.env, ...ENVIRONMENT, AWS_REGION: 'eu-central-1' }
  try {
    execFileSync(process.execPath, [BUNDLE, root, file], { cwd: root, env, stdio: 'inherit' })
  } finally {
    const run = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : { failures: ['nothing was written'] }
    expect(run.failures).toEqual([])
    ;({ resources, handlers, outputs } = run)
  }
}, 300_000)

const ofType = (type: string) => resources.filter((resource) => resource.type === type)
const only = (type: string, name?: string): Resource => {
  const found = ofType(type).filter((resource) => !name || resource.name === name)
  expect(found, `${type} ${name ?? ''}`).toHaveLength(1)
  return found[0] as Resource
}

/** Statements as IAM writes them and as pulumi's `getPolicyDocument` takes them. */
function statementsOf(document: unknown): Statement[] {
  // biome-ignore lint/suspicious/noExplicitAny: two spellings of the same thing
  const { Statement, statements }: any = typeof document === 'string' ? JSON.parse(document) : document
  const list = (value: unknown): string[] => [value ?? []].flat() as string[]
  // biome-ignore lint/suspicious/noExplicitAny: as above
  return [Statement ?? statements].flat().map((s: any) => {
    const conditions: [string, string, unknown][] = [
      ...(s.conditions ?? []).map((c: { test: string; variable: string; values: string[] }) => [
        c.test,
        c.variable,
        c.values,
      ]),
      ...Object.entries(s.Condition ?? {}).flatMap(([test, of]) =>
        Object.entries(of as object).map(([variable, values]) => [test, variable, values]),
      ),
    ]
    return {
      effect: s.Effect ?? s.effect ?? 'Allow',
      principals: [
        ...(typeof s.Principal === 'string' ? [s.Principal] : Object.values(s.Principal ?? {}).flatMap(list)),
        ...(s.principals ?? []).flatMap(({ identifiers }: { identifiers: string[] }) => identifiers),
      ],
      actions: [...list(s.Action), ...list(s.actions)],
      resources: [...list(s.Resource), ...list(s.resources)],
      conditions: conditions
        .flatMap(([test, variable, values]) => list(values).map((value) => `${test} ${variable} ${value}`))
        .toSorted(),
    }
  })
}

/** Every policy that says what somebody may do, wherever it is attached. */
function policies(): { of: string; statement: Statement }[] {
  return resources.flatMap(({ type, name, inputs }) => {
    const documents = [
      inputs.policy,
      ...(inputs.inlinePolicies ?? []).map((inline: { policy: unknown }) => inline.policy),
    ]
    if (type === 'aws:iam/role:Role') expect(inputs.managedPolicyArns ?? [], name).toEqual([])
    return documents
      .filter(Boolean)
      .flatMap((document) => statementsOf(document).map((statement) => ({ of: name, statement })))
  })
}

const ARNS: [string, string][] = [
  ['arn:aws:dynamodb:eu-central-1:123456789012:table/the-table/stream/2026-01-01T00:00:00.000', 'stream'],
  ['arn:aws:dynamodb:eu-central-1:123456789012:table/the-table', 'table'],
  ['arn:aws:s3:::the-documents', 'vault'],
  ['arn:aws:s3:::the-staging', 'staging'],
  ['arn:aws:kms:eu-central-1:123456789012:key/data', 'data key'],
  ['arn:aws:sqs:eu-central-1:123456789012:Undelivered', 'undelivered'],
  ['arn:aws:ses:eu-central-1:123456789012:identity/', 'identity '],
  ['arn:aws:logs:eu-central-1:123456789012:log-group:/registratur/test/', 'log '],
]
const short = (text: string) => ARNS.reduce((left, [arn, name]) => left.replace(arn, name), text)

/** `action on resource, if …`, one line each. */
const linesOf = (statements: Statement[]) =>
  statements
    .flatMap(({ effect, actions, resources: on, conditions }) =>
      actions.flatMap((action) =>
        on.map((resource) =>
          [
            `${effect === 'Deny' ? 'not ' : ''}${action} on ${short(resource)}`,
            ...conditions.map((c) => `if ${c}`),
          ].join(' '),
        ),
      ),
    )
    .toSorted()

const viaTable = 'if StringEquals kms:ViaService dynamodb.eu-central-1.amazonaws.com'
const viaS3 = 'if StringEquals kms:ViaService s3.eu-central-1.amazonaws.com'
const own = (log: string) => [
  `logs:CreateLogStream on log ${log}:*`,
  `logs:PutLogEvents on log ${log}:*`,
  'xray:PutTelemetryRecords on *',
  'xray:PutTraceSegments on *',
]
const readKey = [`kms:Decrypt on data key ${viaTable}`, `kms:DescribeKey on data key ${viaTable}`]
const tableKey = [
  ...readKey,
  `kms:Encrypt on data key ${viaTable}`,
  `kms:GenerateDataKey on data key ${viaTable}`,
  `kms:GenerateDataKeyWithoutPlaintext on data key ${viaTable}`,
  `kms:ReEncryptFrom on data key ${viaTable}`,
  `kms:ReEncryptTo on data key ${viaTable}`,
]
const everyRow = [
  'dynamodb:BatchGetItem on table',
  'dynamodb:ConditionCheckItem on table',
  'dynamodb:DeleteItem on table',
  'dynamodb:GetItem on table',
  'dynamodb:PutItem on table',
  'dynamodb:Query on table',
  'dynamodb:Query on table/index/gsi1',
  'dynamodb:UpdateItem on table',
  ...tableKey,
]
const stream = [
  'dynamodb:DescribeStream on stream',
  'dynamodb:GetRecords on stream',
  'dynamodb:GetShardIterator on stream',
  'dynamodb:ListStreams on stream',
  'sqs:SendMessage on undelivered',
]

/** Who may do what, written down by hand: whoever gives a function a right has to write it here too. */
const RIGHTS: Record<string, string[]> = {
  Web: [
    ...everyRow,
    's3:GetObject on staging/uploads/*',
    's3:PutObject on staging/uploads/*',
    's3:ListBucket on staging',
    's3:PutObject on vault/customers/*',
    's3:GetObjectVersion on vault/customers/*',
    `kms:Decrypt on data key ${viaS3}`,
    `kms:GenerateDataKey on data key ${viaS3}`,
    ...own('web'),
  ],
  Changes: [
    ...everyRow,
    'ses:SendEmail on identity example.com if StringEquals ses:FromAddress archive@example.com',
    ...stream,
    ...own('changes'),
  ],
  Locks: [
    'dynamodb:DeleteItem on table',
    'dynamodb:GetItem on table',
    'dynamodb:PutItem on table',
    'dynamodb:Query on table',
    ...tableKey,
    's3:GetObjectRetention on vault/customers/*',
    's3:GetObjectVersion on vault/customers/*',
    's3:PutObjectRetention on vault/customers/* if StringEquals s3:object-lock-mode GOVERNANCE',
    ...stream,
    ...own('locks'),
  ],
  Schedule: ['dynamodb:PutItem on table', 'dynamodb:Query on table', ...tableKey, ...own('schedule')],
  Sweep: [
    'dynamodb:GetItem on table',
    'dynamodb:Query on table',
    ...readKey,
    's3:ListBucketVersions on vault if StringLike s3:prefix customers/*',
    's3:DeleteObjectVersion on vault/customers/*',
    's3:GetObjectLegalHold on vault/customers/*',
    's3:GetObjectRetention on vault/customers/*',
    's3:GetObjectVersion on vault/customers/*',
    's3:ListBucket on staging if StringEquals s3:prefix uploads/',
    's3:DeleteObject on staging/uploads/*',
    ...own('sweep'),
  ],
}

/** Resources with a wildcard that are allowed, and why. */
const EXPLAINED: [RegExp, RegExp, string][] = [
  [/^xray:Put(TraceSegments|TelemetryRecords)$/, /^\*$/, 'X-Ray knows no resources'],
  [/^logs:(CreateLogStream|PutLogEvents)$/, /^log [a-z]+:\*$/, 'the streams of the function’s own log group'],
  [/^s3:/, /^vault\/customers\/\*$/, 'documents: keys below the one prefix'],
  [/^s3:/, /^staging\/uploads\/\*$/, 'uploads: keys below the one prefix'],
  [/^s3:GetObject$/, /^arn:aws:s3:[^*]*Assets\/\*$/, 'the portal’s public files, for our distribution only'],
]

describe('the app', () => {
  it('gives each function exactly the rights that are written here', () => {
    expect(
      ofType('sst:aws:Function')
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(Object.keys(RIGHTS).toSorted())
    for (const [name, rights] of Object.entries(RIGHTS)) {
      const statements = policies().flatMap(({ of, statement }) => (of === `${name}Role` ? [statement] : []))
      expect(linesOf(statements), name).toEqual(rights.toSorted())
    }
  })

  it('gives rights nowhere else', () => {
    const roles = [...Object.keys(RIGHTS), 'EveryFiveMinutes', 'EveryNight'].map((name) => `${name}Role`)
    expect([...new Set(policies().map(({ of }) => of))].toSorted()).toEqual(
      [...roles, 'AlarmsPolicy', 'AssetsPolicy'].toSorted(),
    )
    const types = new Set(resources.map(({ type }) => type).filter((type) => type.startsWith('aws:iam/')))
    expect([...types]).toEqual(['aws:iam/role:Role'])
  })

  it('has no wildcard action, and no wildcard resource that is not explained', () => {
    const allowed = policies().filter(({ statement }) => statement.effect === 'Allow')
    expect(allowed.length).toBeGreaterThan(30)
    expect(allowed.filter(({ statement }) => statement.actions.some((action) => /[*?]/.test(action)))).toEqual([])
    const unexplained = allowed.flatMap(({ of, statement: { actions, resources: on } }) =>
      actions.flatMap((action) =>
        on
          .filter((resource) => /[*?]/.test(resource))
          .filter((resource) => !EXPLAINED.some(([a, r]) => a.test(action) && r.test(short(resource))))
          .map((resource) => `${of}: ${action} on ${resource}`),
      ),
    )
    expect(unexplained).toEqual([])
    console.log(`${policies().length} statements read, ${allowed.length} of them allow`)
  })

  it('lets nobody bypass a lock, set COMPLIANCE, set a hold, or reach the journal or the signing key', () => {
    const actions = policies().flatMap(({ statement }) => (statement.effect === 'Allow' ? statement.actions : []))
    expect(actions).not.toContain('s3:BypassGovernanceRetention')
    expect(actions).not.toContain('s3:PutObjectLegalHold')
    expect(actions.filter((action) => action.startsWith('kms:Sign'))).toEqual([])
    expect(JSON.stringify(resources)).not.toMatch(/journal-bucket|signing-key/)
  })

  it('lets only the service that runs a role take it', () => {
    for (const { name, inputs } of ofType('aws:iam/role:Role')) {
      const service = RIGHTS[name.replace(/Role$/, '')] ? 'lambda.amazonaws.com' : 'scheduler.amazonaws.com'
      expect(
        statementsOf(inputs.assumeRolePolicy).flatMap(({ principals }) => principals),
        name,
      ).toEqual([service])
    }
    const invoked = policies().flatMap(({ of, statement }) => (/^Every/.test(of) ? linesOf([statement]) : []))
    expect(invoked.map((line) => line.replace(/-[a-z]+$/, ''))).toEqual([
      'lambda:InvokeFunction on arn:aws:lambda:eu-central-1:123456789012:registratur-test-ScheduleFunction',
      'lambda:InvokeFunction on arn:aws:lambda:eu-central-1:123456789012:registratur-test-SweepFunction',
    ])
  })

  it('is open to everybody at one place: the function URL of the web', () => {
    const open = ofType('aws:lambda/permission:Permission').map(({ inputs }) => [inputs.action, inputs.principal])
    expect(open).toEqual([
      ['lambda:InvokeFunctionUrl', '*'],
      ['lambda:InvokeFunction', '*'],
    ])
    for (const { inputs } of ofType('aws:lambda/permission:Permission')) {
      expect(inputs.function).toContain('WebFunction')
      expect(inputs.functionUrlAuthType === 'NONE' || inputs.invokedViaFunctionUrl).toBe(true)
    }
    for (const { of, statement } of policies()) {
      if (statement.effect === 'Allow') expect(statement.principals, of).not.toContain('*')
    }
  })

  it('runs on arm64 and Node 24, logs as JSON into a group of its own, traces', () => {
    for (const { name, inputs } of ofType('aws:lambda/function:Function')) {
      const log = `/registratur/test/${name.replace(/Function$/, '').toLowerCase()}`
      expect(inputs, name).toMatchObject({
        architectures: ['arm64'],
        runtime: 'nodejs24.x',
        loggingConfig: { logFormat: 'JSON', logGroup: log },
        tracingConfig: { mode: 'Active' },
      })
      expect(only('aws:cloudwatch/logGroup:LogGroup', name.replace('Function', 'Logs')).inputs).toMatchObject({
        name: log,
        retentionInDays: 90,
      })
    }
  })

  it('owns nothing that must not be lost', () => {
    const owned = resources.map(({ type }) => type).filter((type) => /dynamodb\/table|kms\/|backup\/|ssm\//.test(type))
    expect(owned).toEqual([])
    expect(ofType('aws:s3/bucket:Bucket').map(({ name }) => name)).toEqual(['Assets'])
  })

  it('wakes each worker for its own kinds of job, and keeps what could not be delivered', () => {
    const mappings = ofType('aws:lambda/eventSourceMapping:EventSourceMapping').map(({ inputs }) => inputs)
    const kinds = mappings.map(({ filterCriteria }) => {
      const [{ pattern }] = filterCriteria.filters
      return JSON.parse(pattern).dynamodb.NewImage.job.M.kind.S
    })
    expect(kinds.toSorted()).toEqual([['lock'], ['mail', 'merge']])
    for (const mapping of mappings) {
      expect(mapping).toMatchObject({
        functionResponseTypes: ['ReportBatchItemFailures'],
        bisectBatchOnFunctionError: true,
        maximumRetryAttempts: 10,
        destinationConfig: { onFailure: { destinationArn: expect.stringContaining('Undelivered') } },
      })
    }
    const job = readFileSync(join(root, 'packages/core/job.ts'), 'utf8').match(/kind: '(\w+)'/g)
    expect(job?.map((kind) => kind.slice(7, -1)).toSorted()).toEqual(kinds.flat().toSorted())
  })

  it('re-drives every five minutes and sweeps every night', () => {
    const schedules = ofType('aws:scheduler/schedule:Schedule').map(({ name, inputs }) => [
      name,
      inputs.scheduleExpression,
      inputs.target.arn.match(/test-(\w+)Function/)?.[1],
    ])
    expect(schedules.toSorted()).toEqual([
      ['EveryFiveMinutesSchedule', 'rate(5 minutes)', 'Schedule'],
      ['EveryNightSchedule', 'cron(30 1 * * ? *)', 'Sweep'],
    ])
  })

  it('tells somebody when a function fails, is refused, is late, or something was not delivered', () => {
    const alarms = ofType('aws:cloudwatch/metricAlarm:MetricAlarm')
    const expected = [
      ...Object.keys(RIGHTS).flatMap((name) => [`${name}ErrorsAlarm`, `${name}ThrottlesAlarm`]),
      ...['ChangesLateAlarm', 'LocksLateAlarm', 'UndeliveredAlarm', 'WebAnswers5xxAlarm'],
      ...['LockJobsFailAlarm', 'MailJobsFailAlarm'],
    ]
    expect(alarms.map(({ name }) => name).toSorted()).toEqual(expected.toSorted())
    for (const { inputs } of alarms) expect(inputs.alarmActions).toHaveLength(1)
    expect(only('aws:sns/topicSubscription:TopicSubscription').inputs).toMatchObject({
      protocol: 'email',
      endpoint: 'operators@example.com',
    })
    const publish = policies().flatMap(({ of, statement }) => (of === 'AlarmsPolicy' ? [statement] : []))
    expect(publish.map(({ principals, actions }) => [...principals, ...actions])).toEqual([
      ['cloudwatch.amazonaws.com', 'sns:Publish'],
      ['events.amazonaws.com', 'sns:Publish'],
    ])
    expect(JSON.parse(only('aws:cloudwatch/eventRule:EventRule').inputs.eventPattern).source).toEqual(['aws.backup'])
    const queues = ofType('aws:sqs/queue:Queue').map(({ name }) => name)
    expect(queues).toEqual(['Undelivered'])
  })
})

describe('the edge', () => {
  const distribution = () => only('aws:cloudfront/distribution:Distribution').inputs

  it('streams from the function URL, and shows the secret that the app accepts', () => {
    expect(only('aws:lambda/functionUrl:FunctionUrl').inputs).toMatchObject({ invokeMode: 'RESPONSE_STREAM' })
    expect(only('aws:lambda/functionUrl:FunctionUrl').inputs.cors).toBeUndefined()
    const web = distribution().origins.find(({ originId }: { originId: string }) => originId === 'web')
    const [{ name, value }] = web.customHeaders
    const { variables } = only('aws:lambda/function:Function', 'WebFunction').inputs.environment
    expect(name).toBe('x-edge-secret')
    expect(variables.REGISTRATUR_EDGE_SECRETS.split(',')).toHaveLength(2)
    expect(variables.REGISTRATUR_EDGE_SECRETS.split(',')).toContain(value)
    expect(web.customOriginConfig).toMatchObject({
      originProtocolPolicy: 'https-only',
      originSslProtocols: ['TLSv1.2'],
    })
  })

  it('caches nothing of the app, and overwrites what a client says its address is', () => {
    expect(distribution().defaultCacheBehavior).toMatchObject({
      targetOriginId: 'web',
      viewerProtocolPolicy: 'redirect-to-https',
      cachePolicyId: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
      originRequestPolicyId: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
      functionAssociations: [{ eventType: 'viewer-request' }],
    })
    const { code } = only('aws:cloudfront/function:Function').inputs
    const event = {
      viewer: { ip: '192.0.2.7' },
      request: { headers: { 'x-client-address': { value: '10.0.0.1' } } },
    }
    const { headers } = new Function('event', `${code}; return handler(event)`)(event)
    expect(headers['x-client-address']).toEqual({ value: '192.0.2.7' })
  })

  it('serves the portal’s files from a closed bucket, with security headers', () => {
    const behaviours: { pathPattern: string; targetOriginId: string }[] = distribution().orderedCacheBehaviors
    expect(behaviours.map(({ pathPattern }) => pathPattern)).toContain('/_astro/*')
    expect(new Set(behaviours.map(({ targetOriginId }) => targetOriginId))).toEqual(new Set(['assets']))
    expect(Object.values(only('aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock').inputs)).toEqual(
      expect.arrayContaining([true, true, true, true]),
    )
    const allow = policies().filter(({ of, statement }) => of === 'AssetsPolicy' && statement.effect === 'Allow')
    expect(allow.map(({ statement }) => [statement.principals, statement.actions])).toEqual([
      [['cloudfront.amazonaws.com'], ['s3:GetObject']],
    ])
    expect(allow[0]?.statement.conditions[0]).toMatch(/^StringEquals AWS:SourceArn arn:aws:cloudfront:/)
    expect(
      only('aws:cloudfront/responseHeadersPolicy:ResponseHeadersPolicy').inputs.securityHeadersConfig,
    ).toMatchObject({
      strictTransportSecurity: { accessControlMaxAgeSec: 63072000 },
      contentTypeOptions: { override: true },
      frameOptions: { frameOption: 'DENY' },
    })
    const css = ofType('aws:s3/bucketObjectv2:BucketObjectv2').filter(({ inputs }) => inputs.key?.endsWith('.css'))
    expect(css.length).toBeGreaterThan(0)
    for (const { inputs } of css) {
      expect(inputs).toMatchObject({
        contentType: 'text/css; charset=utf-8',
        cacheControl: expect.stringMatching('immutable'),
      })
    }
  })

  it('answers at the stage’s domain', () => {
    expect(distribution().aliases).toEqual(['archive.example.com'])
    expect(outputs.url).toBe('https://archive.example.com')
    const { variables } = only('aws:lambda/function:Function', 'WebFunction').inputs.environment
    expect(variables.REGISTRATUR_URL).toBe('https://archive.example.com')
  })
})

describe('the functions', () => {
  it('exist', () => {
    expect(Object.keys(handlers).toSorted()).toEqual(Object.keys(RIGHTS).toSorted())
    for (const handler of Object.values(handlers)) {
      expect(existsSync(join(root, handler.replace(/\.handler$/, '.ts'))), handler).toBe(true)
    }
  })

  it('know each variable they are given', () => {
    const known = readFileSync(join(root, 'functions/aws.ts'), 'utf8')
    const given = ofType('aws:lambda/function:Function').flatMap(({ inputs }) =>
      Object.keys(inputs.environment.variables),
    )
    const ours = [...new Set(given)].filter((name) => name.startsWith('REGISTRATUR_'))
    expect(ours.length).toBeGreaterThan(5)
    for (const name of ours) expect(known).toContain(name)
  })
})
