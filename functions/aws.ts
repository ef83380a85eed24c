import type { ClientOptions } from '@registratur/aws/client'
import { dynamoDb } from '@registratur/aws/dynamodb'
import { s3 } from '@registratur/aws/s3'
import { openStaging } from '@registratur/aws/staging'
import { openTable } from '@registratur/aws/table'
import { openVault } from '@registratur/aws/vault'
import { SYSTEM } from '@registratur/core/actor'
import { type Ctx, newId } from '@registratur/core/ctx'
import type { Clock } from '@registratur/core/ports'

/** What a function is told by its environment. The only place that knows the names. */
export interface AwsEnvironment {
  AWS_REGION?: string
  REGISTRATUR_TABLE?: string
  REGISTRATUR_STAGING_BUCKET?: string
  REGISTRATUR_VAULT_BUCKET?: string
  /** Where people reach the archive: an origin, without a slash at the end. */
  REGISTRATUR_URL?: string
  /** IANA time zone; Europe/Berlin when left out. */
  REGISTRATUR_ZONE?: string
  /** Sender of mail, at a domain that SES has verified. Only `changes` needs it. */
  REGISTRATUR_MAIL_FROM?: string
  /** Signs sessions and codes, at least 32 characters. Only `web` needs it. */
  REGISTRATUR_SESSION_SECRET?: string
  /** What CloudFront sends in `x-edge-secret`: the present value and, while it rotates, the former, by comma. Only `web`. */
  REGISTRATUR_EDGE_SECRETS?: string
  /** Opens /setup?token=… until there is an administrator. Only `web`. */
  REGISTRATUR_SETUP_TOKEN?: string
  /** Other addresses than AWS's own, as the SDK names them. */
  AWS_ENDPOINT_URL_DYNAMODB?: string
  AWS_ENDPOINT_URL_S3?: string
  AWS_ENDPOINT_URL_SESV2?: string
}

export interface AwsOptions extends Pick<ClientOptions, 'attempts' | 'wrap'> {
  clock?: Clock
}

/** What a Lambda says of its invocation, as far as it is needed. */
export interface Invocation {
  awsRequestId: string
  getRemainingTimeInMillis(): number
}

/** Time to answer, log and end in an orderly way. */
const RESERVE_MS = 500

/** The archive's ports on AWS. Each function opens what its rights allow it to use; nothing is asked of AWS before. */
export function openAws(env: AwsEnvironment, { clock = () => new Date(), attempts, wrap }: AwsOptions = {}) {
  let deadline: AbortSignal | undefined
  let requestId: string | undefined
  const options: ClientOptions = {
    region: need(env, 'AWS_REGION'),
    signal: () => deadline,
    endpoints: {
      dynamodb: env.AWS_ENDPOINT_URL_DYNAMODB,
      s3: env.AWS_ENDPOINT_URL_S3,
      ses: env.AWS_ENDPOINT_URL_SESV2,
    },
    ...{ attempts, wrap },
  }
  const [stagingBucket, vaultBucket] = [need(env, 'REGISTRATUR_STAGING_BUCKET'), need(env, 'REGISTRATUR_VAULT_BUCKET')]
  const client = s3(options)
  const table = openTable({ client: dynamoDb(options), tableName: need(env, 'REGISTRATUR_TABLE') })
  const staging = openStaging({ client, bucket: stagingBucket })
  const vault = openVault({ client, bucket: vaultBucket, stagingBucket })
  const url = need(env, 'REGISTRATUR_URL')
  const zone = env.REGISTRATUR_ZONE || 'Europe/Berlin'

  return {
    ...{ table, staging, vault, clock, url, zone, options },
    /** A context of the archive itself, at the present instant. */
    context: (): Ctx => ({ ...{ table, staging, vault, url, zone, newId, requestId }, actor: SYSTEM, now: clock() }),
    /** Origins of the buckets, which pages upload to and read from. */
    storeOrigins: env.AWS_ENDPOINT_URL_S3
      ? [new URL(env.AWS_ENDPOINT_URL_S3).origin]
      : [stagingBucket, vaultBucket].map((bucket) => `https://${bucket}.s3.${options.region}.amazonaws.com`),
    /** Calls of this invocation end a moment before it does. A function has one invocation at a time. */
    begin(invocation: Invocation | undefined): void {
      requestId = invocation?.awsRequestId
      const left = invocation && Math.max(invocation.getRemainingTimeInMillis() - RESERVE_MS, 0)
      deadline = left === undefined ? undefined : AbortSignal.timeout(left)
    },
  }
}

export type Aws = ReturnType<typeof openAws>

/** @throws when the function was deployed without it */
export function need(env: AwsEnvironment, name: keyof AwsEnvironment): string {
  const value = env[name]
  if (!value) throw new Error(`The environment lacks ${name}.`)
  return value
}
