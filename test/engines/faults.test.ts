import { createApiKey } from '@registratur/core/api-key'
import { queryAll } from '@registratur/core/item'
import type { JobRow } from '@registratur/core/job'
import type { Item, VaultRef } from '@registratur/core/ports'
import { setUp } from '@registratur/core/staff'
import { sweep } from '@registratur/core/sweep'
import { type AwsEnvironment, openAws } from '@registratur/functions/aws'
import { webApp } from '@registratur/functions/web-app'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { type Json, sha256, someBytes } from '../kit.ts'
import { FAULTS, type Fault, faultyNetwork } from './faults.ts'
import { createBuckets, createTable, REGION } from './kit.ts'

const [dynamodb, s3] = [inject('dynamodb'), inject('s3')]
const URL = 'https://archive.example'
const CLIENT_ATTEMPTS = 3

type Ask = (method: string, path: string, body?: unknown) => Promise<{ status: number; body: Json }>

interface Prepared {
  customerId: string
  /** What the client does, and repeats when it is told to try again. */
  request: [method: string, path: string, body?: object]
}

describe.skipIf(!dynamodb || !s3)('a call to AWS that fails', () => {
  let env: AwsEnvironment
  let key: string

  beforeAll(async () => {
    if (!dynamodb || !s3) throw new Error('no engine')
    const [table, buckets] = await Promise.all([createTable(dynamodb), createBuckets(s3)])
    process.env.AWS_ACCESS_KEY_ID = s3.accessKeyId
    process.env.AWS_SECRET_ACCESS_KEY = s3.secretAccessKey
    process.env.POWERTOOLS_LOG_LEVEL = 'CRITICAL'
    process.env.POWERTOOLS_METRICS_DISABLED = 'true'
    env = {
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb,
      AWS_ENDPOINT_URL_S3: s3.url,
      REGISTRATUR_TABLE: table,
      REGISTRATUR_STAGING_BUCKET: buckets.staging,
      REGISTRATUR_VAULT_BUCKET: buckets.vault,
      REGISTRATUR_URL: URL,
      REGISTRATUR_SESSION_SECRET: 'x'.repeat(32),
    }
    const { context } = openAws(env)
    await setUp(context(), { name: 'Ada', email: 'ada@archive.example', company: 'Test GmbH', language: 'en' })
    key = (await createApiKey(context(), { name: 'faults', roles: ['administrator'] })).key
  })

  /** An archive whose calls can be made to fail, and how a client speaks to it. */
  function open(attempts?: number) {
    const network = faultyNetwork()
    const aws = openAws(env, { wrap: network.wrap, attempts })
    const app = webApp(aws, env)
    const ask: Ask = async (method, path, body) => {
      const headers = { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}) }
      const init = { method, headers, body: body ? JSON.stringify(body) : null }
      const response = await app.request(`${URL}/api${path}`, init)
      return { status: response.status, body: await response.json() }
    }
    return { network, aws, ask }
  }

  const must = async (ask: Ask, ...request: Parameters<Ask>): Promise<Json> => {
    const { status, body } = await ask(...request)
    if (status >= 400) throw new Error(`${request.join(' ')}: ${JSON.stringify(body)}`)
    return body
  }

  async function upload(ask: Ask): Promise<string> {
    const bytes = someBytes(500)
    const contentType = 'application/pdf'
    const input = { fileName: 'a.pdf', size: bytes.length, contentType, sha256: sha256(bytes) }
    const { uploadId, url, headers } = await must(ask, 'POST', '/uploads', input)
    expect((await fetch(url, { method: 'PUT', headers, body: Uint8Array.from(bytes) })).status).toBe(200)
    return uploadId
  }

  async function prepareFiling(ask: Ask): Promise<Prepared> {
    const { id } = await must(ask, 'POST', '/customers', { type: 'company', name: 'Muster GmbH' })
    const { items } = await must(ask, 'GET', `/customers/${id}/folders`)
    const fields = { folderId: items[0].id, recordClass: 'invoice', title: 'Invoice', documentDate: '2026-03-05' }
    const body = { uploadId: await upload(ask), ...fields }
    return { customerId: id, request: ['POST', `/customers/${id}/documents`, body] }
  }

  async function prepareDocument(ask: Ask) {
    const { customerId, request } = await prepareFiling(ask)
    const document = await must(ask, ...request)
    return { customerId, document, path: `/customers/${customerId}/documents/${document.id}` }
  }

  const operations: Record<string, (ask: Ask) => Promise<Prepared>> = {
    file: prepareFiling,
    'new version': async (ask) => {
      const { customerId, path } = await prepareDocument(ask)
      const body = { uploadId: await upload(ask), reason: 'a correction' }
      return { customerId, request: ['POST', `${path}/versions`, body] }
    },
    finalise: async (ask) => {
      const { customerId, path } = await prepareDocument(ask)
      return { customerId, request: ['POST', `${path}/finalise`] }
    },
    share: async (ask) => {
      const { customerId, document } = await prepareDocument(ask)
      const person = { firstName: 'Anna', lastName: 'A', email: `${customerId}@kunde.example` }
      const contact = await must(ask, 'POST', `/customers/${customerId}/contacts`, person)
      const body = { contactId: contact.id, documentId: document.id, permission: 'download', confirm: true }
      return { customerId, request: ['POST', `/customers/${customerId}/grants`, body] }
    },
  }

  /** Do it, with a fault at one call; the client repeats what was answered with an error of ours. */
  async function attempt(operation: string, options: { attempts?: number; fault?: { fault: Fault; at: number } }) {
    const { network, aws, ask } = open(options.attempts)
    const { customerId, request } = await (operations[operation] as (ask: Ask) => Promise<Prepared>)(ask)
    network.arm(options.fault)
    let answer = await ask(...request)
    const first = answer.status
    for (let n = 1; answer.status >= 500 && n < CLIENT_ATTEMPTS; n++) answer = await ask(...request)
    const { calls, met } = network.disarm()
    return { status: answer.status, body: answer.body, first, calls, met, ...(await stateOf(aws, customerId)) }
  }

  /** What there is of a customer, without what differs from one to the next. */
  async function stateOf(aws: ReturnType<typeof openAws>, customerId: string) {
    const rows = await queryAll(aws.table, { pk: `customer#${customerId}` })
    const jobs: JobRow[] = []
    for (const shard of '0123456789abcdef') {
      for (const row of await queryAll<JobRow>(aws.table, { pk: `job#${shard}` })) {
        if (!JSON.stringify(row.job).includes(customerId)) continue
        jobs.push(row)
        await aws.table.transact([{ delete: { pk: row.pk, sk: row.sk } }])
      }
    }
    const kinds = rows.map(({ sk }) =>
      sk
        .split('#')
        .slice(0, sk.startsWith('file#') ? 2 : 1)
        .join('#'),
    )
    const actions = rows.flatMap((row) => ('action' in row ? [String(row.action)] : []))
    const referenced = rows.flatMap((row) => ('vault' in row ? [row.vault as VaultRef] : []))
    const found = (await aws.vault.list(`customers/${customerId}/`)).items
    const known = found.filter((object) => referenced.some(({ versionId }) => versionId === object.versionId))
    return {
      state: {
        kinds: kinds.toSorted(),
        actions: actions.toSorted(),
        revisions: rows.map(({ rev }: Item) => rev).toSorted(),
        jobs: jobs.map(({ job }) => job.kind).toSorted(),
        objects: known.length,
        missing: referenced.length - known.length,
      },
      orphans: found.length - known.length,
    }
  }

  for (const operation of Object.keys(operations)) {
    for (const fault of FAULTS) {
      for (const attempts of [1, undefined]) {
        const retried = attempts ? 'by the client' : 'by the SDK'
        it(`${operation}: ${fault}, repeated ${retried}`, { timeout: 300_000 }, async () => {
          const plain = await attempt(operation, { attempts })
          expect(plain).toMatchObject({ first: plain.status, orphans: 0, state: { missing: 0 } })
          expect(plain.status).toBeLessThan(300)
          expect(plain.calls.length).toBeGreaterThan(2)
          for (let at = 1; at <= plain.calls.length; at++) {
            const where = `call ${at}: ${plain.calls[at - 1]}`
            const outcome = await attempt(operation, { attempts, fault: { fault, at } })
            expect(outcome.met, where).toBe(true)
            expect([outcome.status, outcome.state], where).toEqual([plain.status, plain.state])
            expect(Object.keys(outcome.body).toSorted(), where).toEqual(Object.keys(plain.body).toSorted())
            expect(outcome.orphans, where).toBeLessThanOrEqual(1)
            // What the SDK can repeat never reaches the client.
            if (!attempts) expect(outcome.first, where).toBe(plain.status)
          }
        })
      }
    }
  }

  it('leaves no orphan that the sweep does not remove', { timeout: 120_000 }, async () => {
    const { context, vault } = openAws(env)
    const all = async () => {
      const refs: VaultRef[] = []
      let after: string | undefined
      do {
        const page = await vault.list('customers/', after)
        refs.push(...page.items)
        after = page.after
      } while (after)
      return refs
    }
    const before = await all()
    // Nine days later; the store's own clock can't be set, so what had only the short lock is destroyed by bypass.
    const now = new Date(Date.now() + 9 * 86_400_000)
    const later = { ...vault, destroy: (ref: VaultRef) => vault.destroy(ref, { bypass: true }) }
    const { orphans } = await sweep({ ...context(), vault: later, now })
    expect(orphans).toBeGreaterThan(0)
    const left = await all()
    expect(before.length - left.length).toBe(orphans)
    for (const { key, versionId } of left) {
      const [, customerId, documentId] = key.split('/')
      const prefix = `version#${documentId}#`
      const rows = await queryAll<Item & { vault: VaultRef }>(context().table, { pk: `customer#${customerId}`, prefix })
      expect(rows.some((row) => row.vault.versionId === versionId)).toBe(true)
    }
  })
})
