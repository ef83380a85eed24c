import { App } from 'aws-cdk-lib'
import { Match, Template } from 'aws-cdk-lib/assertions'
import { Bucket } from 'aws-cdk-lib/aws-s3'
import { AwsSolutionsChecks } from 'cdk-nag'
import { describe, expect, it } from 'vitest'
import { PARAMETERS } from '../../infra/parameters.ts'
import { VaultStack } from '../../infra/vault.ts'

const ORIGIN = 'https://archive.example'

interface Statement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Principal?: unknown
  Action: string | string[]
  Resource: unknown
  Condition?: Record<string, Record<string, unknown>>
}
interface Resource {
  Type: string
  DeletionPolicy?: string
  UpdateReplacePolicy?: string
  // biome-ignore lint/suspicious/noExplicitAny: a template has no types
  Properties: any
}

function synthesise() {
  const app = new App({ analyticsReporting: false })
  const stack = new VaultStack(app, 'Vault', { stage: 'test', origin: ORIGIN })
  return { app, stack }
}

const { app, stack } = synthesise()
const template = Template.fromStack(stack)
const resources: Record<string, Resource> = template.toJSON().Resources
const ofType = (type: string) => Object.entries(resources).filter(([, { Type }]) => Type === type)
const bucket = (name: string) => {
  const found = ofType('AWS::S3::Bucket').find(([id]) => id.startsWith(name))
  if (!found) throw new Error(`no bucket ${name}`)
  return { id: found[0], ...found[1].Properties }
}
const statements: { of: string; statement: Statement }[] = Object.entries(resources).flatMap(
  ([of, { Properties: p }]) =>
    [p.PolicyDocument, p.KeyPolicy, p.AssumeRolePolicyDocument, p.AccessPolicy]
      .filter(Boolean)
      .flatMap((document) => document.Statement.map((statement: Statement) => ({ of, statement }))),
)
const policyOf = (id: string): Statement[] =>
  ofType('AWS::S3::BucketPolicy')
    .filter(([, { Properties }]) => Properties.Bucket.Ref === id)
    .flatMap(([, { Properties }]) => Properties.PolicyDocument.Statement)

describe('the vault stack', () => {
  it('is protected from deletion, and everything in it outlives it', () => {
    expect(stack.terminationProtection).toBe(true)
    expect(Object.keys(resources).length).toBeGreaterThan(20)
    for (const [id, { DeletionPolicy, UpdateReplacePolicy }] of Object.entries(resources)) {
      expect({ id, DeletionPolicy, UpdateReplacePolicy }).toEqual({
        id,
        DeletionPolicy: 'Retain',
        UpdateReplacePolicy: 'Retain',
      })
    }
  })

  it('locks documents for 7 days and journal for ten years, versioned, from the first byte on', () => {
    for (const [name, days] of [
      ['Documents', 7],
      ['Journal', 3650],
    ] as const) {
      expect(bucket(name)).toMatchObject({
        VersioningConfiguration: { Status: 'Enabled' },
        ObjectLockEnabled: true,
        ObjectLockConfiguration: {
          ObjectLockEnabled: 'Enabled',
          Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: days } },
        },
      })
    }
  })

  it('encrypts the buckets with our key, and asks it once per bucket and not per object', () => {
    for (const name of ['Documents', 'Staging', 'Journal']) {
      const [rule] = bucket(name).BucketEncryption.ServerSideEncryptionConfiguration
      expect(rule.BucketKeyEnabled).toBe(true)
      expect(rule.ServerSideEncryptionByDefault.SSEAlgorithm).toBe('aws:kms')
      expect(rule.ServerSideEncryptionByDefault.KMSMasterKeyID['Fn::GetAtt'][0]).toMatch(/^DataKey/)
    }
  })

  it('shows no bucket to the public, and none without TLS', () => {
    expect(ofType('AWS::S3::Bucket')).toHaveLength(4)
    for (const [id, { Properties }] of ofType('AWS::S3::Bucket')) {
      expect(Object.values(Properties.PublicAccessBlockConfiguration)).toEqual([true, true, true, true])
      expect(policyOf(id)).toContainEqual(
        expect.objectContaining({
          Effect: 'Deny',
          Action: 's3:*',
          Principal: { AWS: '*' },
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        }),
      )
    }
  })

  it('logs every access to the three buckets', () => {
    for (const name of ['Documents', 'Staging', 'Journal']) {
      expect(bucket(name).LoggingConfiguration).toEqual({
        DestinationBucketName: { Ref: bucket('Logs').id },
        LogFilePrefix: `${name.toLowerCase()}/`,
      })
    }
  })

  it('lets pages of the portal’s origin read documents and put uploads, nothing else', () => {
    const cors = (name: string) =>
      bucket(name).CorsConfiguration?.CorsRules.map((rule: Record<string, unknown>) => [
        rule.AllowedMethods,
        rule.AllowedOrigins,
      ])
    expect(cors('Documents')).toEqual([[['GET', 'HEAD'], [ORIGIN]]])
    expect(cors('Staging')).toEqual([[['PUT'], [ORIGIN]]])
    expect(cors('Journal')).toBeUndefined()
  })

  it('moves old documents to cheaper classes that answer at once, and never expires one', () => {
    const [rule, ...others] = bucket('Documents').LifecycleConfiguration.Rules
    expect(others).toEqual([])
    const steps = [
      { StorageClass: 'STANDARD_IA', TransitionInDays: 90 },
      { StorageClass: 'GLACIER_IR', TransitionInDays: 365 },
    ]
    expect(rule.Transitions).toEqual(steps)
    expect(rule.NoncurrentVersionTransitions).toEqual(steps)
    expect(rule.Filter ?? rule.Prefix).toBeUndefined()
    for (const name of ['Documents', 'Journal']) {
      const text = JSON.stringify(bucket(name).LifecycleConfiguration)
      expect(text).not.toMatch(/Expiration/)
    }
  })

  it('forgets staged bytes after two days', () => {
    expect(bucket('Staging').LifecycleConfiguration.Rules).toEqual([
      { Status: 'Enabled', ExpirationInDays: 2, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } },
    ])
  })

  it('keeps the table: point in time, deletion protection, stream, our key, what the adapters expect', () => {
    template.hasResourceProperties('AWS::DynamoDB::Table', {
      BillingMode: 'PAY_PER_REQUEST',
      DeletionProtectionEnabled: true,
      PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: 35 },
      StreamSpecification: { StreamViewType: 'NEW_IMAGE' },
      SSESpecification: { SSEEnabled: true, SSEType: 'KMS', KMSMasterKeyId: Match.anyValue() },
      TimeToLiveSpecification: { AttributeName: 'expires', Enabled: true },
      KeySchema: [
        { AttributeName: 'pk', KeyType: 'HASH' },
        { AttributeName: 'sk', KeyType: 'RANGE' },
      ],
      GlobalSecondaryIndexes: [
        {
          IndexName: 'gsi1',
          KeySchema: [
            { AttributeName: 'gsi1pk', KeyType: 'HASH' },
            { AttributeName: 'gsi1sk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    })
  })

  it('has a key that rotates for data, and an Ed25519 key for signatures', () => {
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true, KeySpec: Match.absent() })
    template.hasResourceProperties('AWS::KMS::Key', { KeySpec: 'ECC_NIST_EDWARDS25519', KeyUsage: 'SIGN_VERIFY' })
    template.resourceCountIs('AWS::KMS::Key', 2)
  })

  it('backs up the table alone, daily, for 35 days, into a vault whose lock nobody can end', () => {
    template.hasResourceProperties('AWS::Backup::BackupVault', {
      LockConfiguration: { MinRetentionDays: 7, MaxRetentionDays: 35, ChangeableForDays: 3 },
      EncryptionKeyArn: Match.anyValue(),
    })
    template.hasResourceProperties('AWS::Backup::BackupPlan', {
      BackupPlan: { BackupPlanRule: [Match.objectLike({ Lifecycle: { DeleteAfterDays: 35 } })] },
    })
    const [[, selection] = []] = ofType('AWS::Backup::BackupSelection')
    expect(selection?.Properties.BackupSelection.Resources).toEqual([
      { 'Fn::GetAtt': [expect.stringMatching(/^Table/), 'Arn'] },
    ])
  })

  it('allows nothing to everybody', () => {
    const everybody = ({ Principal }: Statement) => /"\*"|^\*$/.test(JSON.stringify(Principal) ?? '')
    expect(statements.filter(({ statement }) => everybody(statement)).length).toBeGreaterThan(4)
    expect(statements.filter(({ statement }) => statement.Effect === 'Allow' && everybody(statement))).toEqual([])
  })

  it('denies locks to be bypassed, and COMPLIANCE to be set, to all but disposition', () => {
    const exempt = statements.filter(({ statement }) => statement.Condition?.ArnNotLike)
    expect(exempt.map(({ statement: { Effect, Sid } }) => [Effect, Sid])).toEqual([
      ['Deny', 'OnlyDispositionBypassesLocks'],
      ['Deny', 'OnlyDispositionSetsCompliance'],
    ])
    for (const { statement } of exempt) {
      expect(JSON.stringify(statement.Condition?.ArnNotLike)).toContain(':role/registratur/test/disposition/*')
    }
    expect(exempt[1]?.statement.Condition?.StringEquals).toEqual({ 's3:object-lock-mode': 'COMPLIANCE' })
  })

  it('hands every name over as a parameter of its stage', () => {
    const names = ofType('AWS::SSM::Parameter').map(([, { Properties }]) => Properties.Name)
    expect(names.toSorted()).toEqual(PARAMETERS.map((parameter) => `/registratur/test/vault/${parameter}`).toSorted())
  })

  it('needs neither assets nor look-ups', () => {
    expect(JSON.stringify(resources)).not.toMatch(/AWS::Lambda|Custom::/)
    expect(template.toJSON().Outputs).toBeUndefined()
  })
})

describe('AwsSolutions', () => {
  const findings = (of: App) =>
    new AwsSolutionsChecks(of)
      .validateScope(of)
      .violations.map(({ ruleName }) => ruleName)
      .toSorted()

  it('finds nothing in the stack', () => {
    expect(findings(app)).toEqual([])
  })

  it('would find something', () => {
    const careless = synthesise()
    new Bucket(careless.stack, 'Careless')
    expect(findings(careless.app)).toEqual(['AwsSolutions-S1', 'AwsSolutions-S10'])
  })
})
