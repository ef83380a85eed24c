import { CfnResource, Duration, RemovalPolicy, Stack, type StackProps, Validations } from 'aws-cdk-lib'
import { BackupPlan, BackupPlanRule, BackupResource, BackupVault } from 'aws-cdk-lib/aws-backup'
import { AttributeType, BillingMode, StreamViewType, Table, TableEncryption } from 'aws-cdk-lib/aws-dynamodb'
import { Schedule } from 'aws-cdk-lib/aws-events'
import { AnyPrincipal, Effect, ManagedPolicy, PolicyStatement, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam'
import { Key, KeySpec, KeyUsage } from 'aws-cdk-lib/aws-kms'
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  type BucketProps,
  HttpMethods,
  ObjectLockRetention,
  ObjectOwnership,
  StorageClass,
} from 'aws-cdk-lib/aws-s3'
import { StringParameter } from 'aws-cdk-lib/aws-ssm'
import type { Construct } from 'constructs'
import { PARAMETERS, type Parameter, parameterName } from './parameters.ts'

export interface VaultProps extends StackProps {
  /** One archive: `production`, `test`, … */
  stage: string
  /** Where the portal is reached; only pages from there may read from and upload to the buckets. */
  origin: string
}

const BACKUP_DAYS = 35

/**
 * What must never be lost: buckets with Object Lock, the table, the keys, the backups. It has a lifecycle of its own;
 * the app can be removed and deployed anew without touching it.
 */
export class VaultStack extends Stack {
  constructor(scope: Construct, id: string, { stage, origin, ...props }: VaultProps) {
    super(scope, id, { ...props, terminationProtection: true })
    this.node.setContext('@aws-cdk/aws-s3:serverAccessLogsUseBucketPolicy', true)

    const dataKey = new Key(this, 'DataKey', {
      description: `registratur ${stage}: documents, table, backups`,
      enableKeyRotation: true,
      pendingWindow: Duration.days(30),
    })
    const signingKey = new Key(this, 'SigningKey', {
      description: `registratur ${stage}: signs the journal's checkpoints`,
      keySpec: KeySpec.ECC_NIST_EDWARDS25519,
      keyUsage: KeyUsage.SIGN_VERIFY,
      pendingWindow: Duration.days(30),
    })

    const logs = new Bucket(this, 'Logs', {
      ...CLOSED,
      // Log delivery writes to SSE-S3 only.
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [{ expiration: Duration.days(365), abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    })
    const bucket = (name: string, specific: BucketProps) =>
      new Bucket(this, name, {
        ...CLOSED,
        encryption: BucketEncryption.KMS,
        encryptionKey: dataKey,
        bucketKeyEnabled: true,
        serverAccessLogsBucket: logs,
        serverAccessLogsPrefix: `${name.toLowerCase()}/`,
        ...specific,
      })

    const documents = bucket('Documents', {
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention: ObjectLockRetention.governance(Duration.days(7)),
      cors: [
        {
          allowedMethods: [HttpMethods.GET, HttpMethods.HEAD],
          allowedOrigins: [origin],
          allowedHeaders: ['range', 'if-range'],
          exposedHeaders: ['accept-ranges', 'content-length', 'content-range', 'etag'],
          maxAge: 3600,
        },
      ],
      // A transition keeps version, lock and hold. Nothing here expires a version: a row may point to any of them.
      lifecycleRules: [
        {
          transitions: [
            { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(90) },
            { storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(365) },
          ],
          noncurrentVersionTransitions: [
            { storageClass: StorageClass.INFREQUENT_ACCESS, transitionAfter: Duration.days(90) },
            { storageClass: StorageClass.GLACIER_INSTANT_RETRIEVAL, transitionAfter: Duration.days(365) },
          ],
          abortIncompleteMultipartUploadAfter: Duration.days(2),
        },
      ],
    })
    const disposition = this.formatArn({
      service: 'iam',
      region: '',
      resource: 'role',
      resourceName: `registratur/${stage}/disposition/*`,
    })
    const unlessDisposition = { ArnNotLike: { 'aws:PrincipalArn': disposition } }
    documents.addToResourcePolicy(
      new PolicyStatement({
        sid: 'OnlyDispositionBypassesLocks',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:BypassGovernanceRetention'],
        resources: [documents.arnForObjects('*')],
        conditions: unlessDisposition,
      }),
    )
    documents.addToResourcePolicy(
      new PolicyStatement({
        sid: 'OnlyDispositionSetsCompliance',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['s3:PutObject', 's3:PutObjectRetention'],
        resources: [documents.arnForObjects('*')],
        conditions: { ...unlessDisposition, StringEquals: { 's3:object-lock-mode': 'COMPLIANCE' } },
      }),
    )

    const staging = bucket('Staging', {
      cors: [
        {
          allowedMethods: [HttpMethods.PUT],
          allowedOrigins: [origin],
          allowedHeaders: ['content-type', 'x-amz-checksum-sha256'],
          exposedHeaders: ['etag'],
          maxAge: 3600,
        },
      ],
      lifecycleRules: [{ expiration: Duration.days(2), abortIncompleteMultipartUploadAfter: Duration.days(2) }],
    })

    // Entries hold no personal data: what they prove outlives every retention period.
    const journal = bucket('Journal', {
      versioned: true,
      objectLockEnabled: true,
      objectLockDefaultRetention: ObjectLockRetention.governance(Duration.days(3650)),
      lifecycleRules: [{ abortIncompleteMultipartUploadAfter: Duration.days(2) }],
    })

    const table = new Table(this, 'Table', {
      partitionKey: { name: 'pk', type: AttributeType.STRING },
      sortKey: { name: 'sk', type: AttributeType.STRING },
      billingMode: BillingMode.PAY_PER_REQUEST,
      encryption: TableEncryption.CUSTOMER_MANAGED,
      encryptionKey: dataKey,
      deletionProtection: true,
      pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true, recoveryPeriodInDays: BACKUP_DAYS },
      stream: StreamViewType.NEW_IMAGE,
      timeToLiveAttribute: 'expires',
    })
    table.addGlobalSecondaryIndex({
      indexName: 'gsi1',
      partitionKey: { name: 'gsi1pk', type: AttributeType.STRING },
      sortKey: { name: 'gsi1sk', type: AttributeType.STRING },
    })

    const backupVault = new BackupVault(this, 'BackupVault', {
      encryptionKey: dataKey,
      // Three days after its creation nobody can change or end this lock, the account's root included.
      lockConfiguration: {
        minRetention: Duration.days(7),
        maxRetention: Duration.days(BACKUP_DAYS),
        changeableFor: Duration.days(3),
      },
    })
    const backupRole = new Role(this, 'BackupRole', {
      assumedBy: new ServicePrincipal('backup.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': this.account } },
      }),
      managedPolicies: [ManagedPolicy.fromAwsManagedPolicyName('service-role/AWSBackupServiceRolePolicyForBackup')],
    })
    Validations.of(backupRole).acknowledge({
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSBackupServiceRolePolicyForBackup]',
      reason: 'AWS keeps in it what its backup service needs; only that service can take the role, in this account.',
    })
    const plan = new BackupPlan(this, 'BackupPlan', {
      backupVault,
      backupPlanRules: [
        new BackupPlanRule({
          ruleName: 'daily',
          scheduleExpression: Schedule.cron({ hour: '2', minute: '0' }),
          deleteAfter: Duration.days(BACKUP_DAYS),
        }),
      ],
    })
    plan.addSelection('Selection', { role: backupRole, resources: [BackupResource.fromDynamoDbTable(table)] })

    const values: Record<Parameter, string> = {
      'documents-bucket': documents.bucketName,
      'staging-bucket': staging.bucketName,
      'journal-bucket': journal.bucketName,
      'table-name': table.tableName,
      'table-arn': table.tableArn,
      'table-stream-arn': table.tableStreamArn ?? '',
      'data-key-arn': dataKey.keyArn,
      'signing-key-arn': signingKey.keyArn,
    }
    for (const parameter of PARAMETERS) {
      new StringParameter(this, `Parameter-${parameter}`, {
        parameterName: parameterName(stage, parameter),
        stringValue: values[parameter],
      })
    }

    for (const resource of this.node.findAll()) {
      if (resource instanceof CfnResource) resource.applyRemovalPolicy(RemovalPolicy.RETAIN)
    }
  }
}

const CLOSED = {
  blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
  objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
  enforceSSL: true,
  minimumTLSVersion: 1.2,
} satisfies BucketProps
