/**
 * Who may do what, one function per right, each with exact actions and resources. Nothing here ends in a wildcard but
 * object keys below a prefix; docs/operations.md has the table.
 */
import { account, dataKey, documents, stage, staging, table } from './names.ts'

export type Permission = Parameters<typeof sst.aws.permission>[0]

const bucket = (name: $util.Output<string>, path = '') => $interpolate`arn:aws:s3:::${name}${path}`
const customers = bucket(documents, '/customers/*')
const uploads = bucket(staging, '/uploads/*')
const equals = (variable: string, ...values: string[]) => ({ test: 'StringEquals', variable, values })
const like = (variable: string, ...values: string[]) => ({ test: 'StringLike', variable, values })

/** The data key, for one service only: whoever reads the table through it can't read a document with it. */
const dataKeyFor = (service: 's3' | 'dynamodb', actions: string[]) => ({
  actions: actions.map((action) => `kms:${action}`),
  resources: [dataKey],
  conditions: [equals('kms:ViaService', `${service}.${stage.region}.amazonaws.com`)],
})

const rows = (...actions: string[]) => ({
  actions: actions.map((action) => `dynamodb:${action}`),
  resources: [table.arn],
})
const READ = ['Decrypt', 'DescribeKey']
const WRITE = ['Encrypt', 'GenerateDataKey', 'GenerateDataKeyWithoutPlaintext', 'ReEncryptFrom', 'ReEncryptTo']
const readKey = () => dataKeyFor('dynamodb', READ)
const writeKey = () => dataKeyFor('dynamodb', [...READ, ...WRITE])

/** Everything a use case may do with rows. */
export const everyRow = () => [
  rows('BatchGetItem', 'ConditionCheckItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'),
  { actions: ['dynamodb:Query'], resources: [$interpolate`${table.arn}/index/gsi1`] },
  writeKey(),
]

/** Read a document's rows, put a job off, delete it when it is done. */
export const jobRows = () => [rows('DeleteItem', 'GetItem', 'PutItem', 'Query'), writeKey()]

/** Find due jobs and write them again, which wakes the workers. */
export const wakeJobs = () => [rows('PutItem', 'Query'), writeKey()]

export const readRows = () => [rows('GetItem', 'Query'), readKey()]

export const readStream = () => [
  {
    actions: ['DescribeStream', 'GetRecords', 'GetShardIterator', 'ListStreams'].map((action) => `dynamodb:${action}`),
    resources: [table.stream],
  },
]

/** Sign and verify uploads. Listing turns the answer about bytes that never came from 403 into 404. */
export const receiveUploads = () => [
  { actions: ['s3:GetObject', 's3:PutObject'], resources: [uploads] },
  { actions: ['s3:ListBucket'], resources: [bucket(staging)] },
]

/** Take uploads over, and sign URLs that read one version. */
export const fileAndRead = () => [
  { actions: ['s3:GetObjectVersion', 's3:PutObject'], resources: [customers] },
  dataKeyFor('s3', ['Decrypt', 'GenerateDataKey']),
]

/** See a version's lock and make it longer; without the data key its content stays unreadable. COMPLIANCE is not ours. */
export const extendLocks = () => [
  { actions: ['s3:GetObjectRetention', 's3:GetObjectVersion'], resources: [customers] },
  {
    actions: ['s3:PutObjectRetention'],
    resources: [customers],
    conditions: [equals('s3:object-lock-mode', 'GOVERNANCE')],
  },
]

/** Remove what has no lock any more; no right to bypass one. */
export const removeOrphans = () => [
  {
    actions: ['s3:ListBucketVersions'],
    resources: [bucket(documents)],
    conditions: [like('s3:prefix', 'customers/*')],
  },
  {
    actions: ['s3:DeleteObjectVersion', 's3:GetObjectLegalHold', 's3:GetObjectRetention', 's3:GetObjectVersion'],
    resources: [customers],
  },
  { actions: ['s3:ListBucket'], resources: [bucket(staging)], conditions: [equals('s3:prefix', 'uploads/')] },
  { actions: ['s3:DeleteObject'], resources: [uploads] },
]

export const sendMail = () => [
  {
    actions: ['ses:SendEmail'],
    resources: [$interpolate`arn:aws:ses:${stage.region}:${account}:identity/${stage.mailFrom.split('@')[1]}`],
    conditions: [equals('ses:FromAddress', stage.mailFrom)],
  },
]

export const sendTo = (queue: $util.Input<string>) => [{ actions: ['sqs:SendMessage'], resources: [queue] }]

/** X-Ray knows no resources. */
export const trace = () => [{ actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'], resources: ['*'] }]
