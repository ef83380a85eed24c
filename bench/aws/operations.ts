import { createHash, randomBytes } from 'node:crypto'
import { createApiKey } from '@registratur/core/api-key'
import { queryAll } from '@registratur/core/item'
import type { JobRow } from '@registratur/core/job'
import { JOB_SHARDS } from '@registratur/core/keys'
import type { Item } from '@registratur/core/ports'
import { setUp } from '@registratur/core/staff'
import { wakeJobs } from '@registratur/core/wake'
import { runJob } from '@registratur/core/worker'
import { type AwsEnvironment, openAws } from '@registratur/functions/aws'
import { webApp } from '@registratur/functions/web-app'
import { fillArchive } from '../archive.ts'
import { type Call, inSequence, openMeter } from './meter.ts'

/** Noise can only make calls that go together look as if one waited for the other. */
const ROUNDS = 5
const CONTACT = 'anna@customer.example'
const SIZE = 50_000

export interface Measured {
  name: string
  /** Round trips one after the other: all, and those to the table. */
  sequence: number
  tableSequence: number
  /** Calls of the table. */
  tableCalls: number
  read: number
  write: number
  /** Requests to S3 by kind. */
  s3: Record<string, number>
  /** What authentication and the journalling of accesses take besides, in units. */
  aside: { read: number; write: number; sequence: number }
}

// biome-ignore lint/suspicious/noExplicitAny: answers of many routes, read field by field.
type Json = any

/** What each operation asks of AWS, through the archive's own app and adapters. */
export async function measureOperations(env: AwsEnvironment) {
  const meter = openMeter()
  const aws = openAws(env, { wrap: meter.wrap })
  const app = webApp(aws, env)
  const { context, table } = aws
  await setUp(context(), { name: 'Ada', email: 'ada@archive.example', company: 'Bench GmbH', language: 'en' })
  const { key } = await createApiKey(context(), { name: 'bench', roles: ['administrator'] })
  const machine = { authorization: `Bearer ${key}` }

  const ask = async (method: string, path: string, body?: object, who: Record<string, string> = machine) => {
    const headers = { ...who, ...(body ? { 'content-type': 'application/json' } : {}) }
    const init = { method, headers, body: body ? JSON.stringify(body) : null }
    const response = await app.request(`${env.REGISTRATUR_URL}${path}`, init)
    const text = await response.text()
    if (response.status >= 400) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    const json = response.headers.get('content-type')?.includes('json')
    return { body: (json ? JSON.parse(text) : text) as Json, headers: response.headers }
  }
  const api = async (method: string, path: string, body?: object) => (await ask(method, `/api${path}`, body)).body

  const [folder] = await fillArchive({ context, table }, { documents: 500, customers: 3 })
  if (!folder) throw new Error('There is no folder to measure')
  const file = `/customers/${folder.customer}`
  const contact = { firstName: 'Anna', lastName: 'A', email: CONTACT }
  const { id: contactId } = await api('POST', `${file}/contacts`, contact)
  const grant = { contactId, folderId: folder.folder, permission: 'download', confirm: true }
  await api('POST', `${file}/grants`, grant)

  const announce = async (bytes: Uint8Array) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const input = { fileName: 'a.pdf', size: bytes.length, contentType: 'application/pdf', sha256 }
    return api('POST', '/uploads', input)
  }
  const put = async ({ url, headers, uploadId }: Json, bytes: Uint8Array<ArrayBuffer>): Promise<string> => {
    const response = await fetch(url, { method: 'PUT', headers, body: bytes })
    if (!response.ok) throw new Error(await response.text())
    return uploadId
  }
  const upload = async () => {
    const bytes = new Uint8Array(randomBytes(SIZE))
    return put(await announce(bytes), bytes)
  }
  const fields = { folderId: folder.folder, recordClass: 'invoice', title: 'Invoice', documentDate: '2026-03-05' }
  const fileOne = (uploadId: string): Promise<Json> =>
    api('POST', `${file}/documents`, { ...fields, uploadId, final: true })
  const jobs = async (kind: string) => {
    const rows = await Promise.all(JOB_SHARDS.map((shard) => queryAll<JobRow>(table, { pk: `job#${shard}` })))
    return rows.flat().filter(({ job }) => job.kind === kind)
  }

  const measured: Measured[] = []
  /** @param prepare  what goes before and is not measured */
  async function operation<T>(name: string, prepare: () => Promise<T>, step: (prepared: T) => Promise<unknown>) {
    let best: Call[] | undefined
    for (let round = 0; round < ROUNDS; round++) {
      const prepared = await prepare()
      const { calls } = await meter.during(() => step(prepared))
      if (!best || inSequence(work(calls)) < inSequence(work(best))) best = calls
    }
    measured.push(summary(name, best ?? []))
  }
  const nothing = async () => {}

  await operation('announce an upload', nothing, () => announce(new Uint8Array(SIZE)))
  await operation('file a document', upload, fileOne)
  const rows = () => queryAll(table, { pk: `customer#${folder.customer}` })
  const before = bytesOf(await rows())
  const document = await fileOne(await upload())
  const bytesPerDocument = bytesOf(await rows()) - before
  const path = `${file}/documents/${document.id}`
  await operation(
    'lock it (a job)',
    async () => {
      await fileOne(await upload())
      const [job] = (await jobs('lock')).toSorted((a, b) => (a.sk < b.sk ? 1 : -1))
      return job ?? fail('no job')
    },
    ({ pk, sk }) =>
      runJob(context(), { mailer: async () => {}, failed: (_, error) => fail(String(error)) }, { pk, sk }),
  )
  await operation('new version', upload, (uploadId) => api('POST', `${path}/versions`, { uploadId, reason: 'better' }))
  await operation('open customer file', nothing, () => api('GET', `${file}/folders`))
  await operation('list folder, a page of 100', nothing, () => api('GET', `${file}/documents?folder=${folder.folder}`))
  await operation(
    'download (content link)',
    async () => (await fileOne(await upload())).id,
    (id) => ask('GET', `/api${file}/documents/${id}/versions/1/content`),
  )

  const accesses = bytesOf(await rows(), /^(access|journal|details)#/)
  await ask('GET', `/api${path}/versions/1/content`)
  const bytesPerAccess = bytesOf(await rows(), /^(access|journal|details)#/) - accesses

  const origin = { origin: String(env.REGISTRATUR_URL) }
  const asked = await meter.during(() =>
    ask('POST', '/api/auth/email-otp/send-verification-otp', { email: CONTACT, type: 'sign-in' }, origin),
  )
  const mails = (await jobs('mail')).flatMap(({ job }) => (job.kind === 'mail' ? [job.mail] : []))
  const [otp] = mails.flatMap(({ to, text }) => (to === CONTACT && text.match(/^\d{8}$/m)) || [])
  const signedIn = await meter.during(() => ask('POST', '/api/auth/sign-in/email-otp', { email: CONTACT, otp }, origin))
  measured.push(summary('sign in by code', [...asked.calls, ...signedIn.calls]))
  const cookie = signedIn.result.headers
    .getSetCookie()
    .map((each) => each.split(';')[0])
    .join('; ')
  await operation('portal home of a contact', nothing, () => ask('GET', '/portal', undefined, { cookie }))
  await operation('schedule, nothing due', nothing, () => wakeJobs({ ...context(), now: new Date(0) }, 5))
  return { measured, bytesPerDocument, bytesPerAccess, machine, openFile: `/api${file}/folders` }
}

export type Operations = Awaited<ReturnType<typeof measureOperations>>

const work = (calls: Call[]) => calls.filter(({ purpose }) => purpose === 'work')

function summary(name: string, calls: Call[]): Measured {
  const counted = work(calls)
  const aside = calls.filter(({ purpose }) => purpose !== 'work')
  const sum = (of: Call[], field: 'read' | 'write') => of.reduce((total, call) => total + call[field], 0)
  const s3: Record<string, number> = {}
  for (const { kind } of counted) if (kind !== 'table') s3[kind] = (s3[kind] ?? 0) + 1
  return {
    ...{ name, s3, read: sum(counted, 'read'), write: sum(counted, 'write') },
    sequence: inSequence(counted),
    tableCalls: counted.filter(({ kind }) => kind === 'table').length,
    tableSequence: inSequence(counted.filter(({ kind }) => kind === 'table')),
    aside: { read: sum(aside, 'read'), write: sum(aside, 'write'), sequence: inSequence(aside) },
  }
}

/** Bytes as DynamoDB bills them: 100 more for each row, and again where the index has a copy. */
function bytesOf(rows: Item[], kind = /^/): number {
  return rows
    .filter(({ sk }) => kind.test(sk))
    .reduce((sum, row) => sum + (Buffer.byteLength(JSON.stringify(row)) + 100) * (row.gsi1pk ? 2 : 1), 0)
}

function fail(why: string): never {
  throw new Error(why)
}
