import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import type { ClientOptions } from '@registratur/aws/client'

export interface Call {
  /** `table`, or what was asked of S3. */
  kind: string
  purpose: 'work' | 'authentication' | 'access journal'
  started: number
  ended: number
  /** Units as DynamoDB reports them. */
  read: number
  write: number
}

export interface Meter {
  wrap: NonNullable<ClientOptions['wrap']>
  /** The calls made while `step` runs. */
  during<T>(step: () => Promise<T>): Promise<{ calls: Call[]; result: T }>
}

/** Stands between the SDK and the network and writes down each call, whatever it is repeated for. */
export function openMeter(): Meter {
  let calls: Call[] = []
  return {
    wrap: (inner) => ({
      ...{ metadata: inner.metadata, destroy: () => inner.destroy() },
      async handle(request, options) {
        const target = request.headers['x-amz-target']?.split('.')[1]
        const call: Call = { kind: '', purpose: 'work', started: performance.now(), ended: 0, read: 0, write: 0 }
        calls.push(call)
        if (!target) {
          call.kind = s3Kind(request)
          const answer = await inner.handle(request, options)
          call.ended = performance.now()
          return answer
        }
        const text = typeof request.body === 'string' ? request.body : new TextDecoder().decode(request.body)
        call.kind = 'table'
        call.purpose = purposeOf(text)
        // DynamoDB Local checks no signature, so what it covers may still change here.
        request.body = JSON.stringify({ ...JSON.parse(text), ReturnConsumedCapacity: 'TOTAL' })
        request.headers['content-length'] = String(Buffer.byteLength(request.body))
        const answer = await inner.handle(request, options)
        const body = await buffer(answer.response.body)
        call.ended = performance.now()
        const units = unitsOf(body)
        call[WRITES.test(target) ? 'write' : 'read'] += units
        answer.response.body = Readable.from([body])
        return answer
      },
    }),
    async during(step) {
      calls = []
      const result = await step()
      return { calls: [...calls], result }
    },
  }
}

const WRITES = /Write|Put|Update|Delete/

/** Authentication and access marks have rows of their own; see the key map in core/keys.ts. */
function purposeOf(body: string): Call['purpose'] {
  if (body.includes('"S":"access#')) return 'access journal'
  const partitions = [...body.matchAll(/":?pk":\{"S":"([^"]*)"/g)].map(([, pk = '']) => pk)
  return partitions.length && partitions.every((pk) => /^(key|auth|email|code-count)#/.test(pk))
    ? 'authentication'
    : 'work'
}

function s3Kind({
  method,
  headers,
  query,
}: {
  method: string
  headers: Record<string, string>
  query?: object
}): string {
  if (headers['x-amz-copy-source']) return 'COPY'
  if (query && 'retention' in query) return 'PUT retention'
  if (method === 'GET' && query && ('versions' in query || 'list-type' in query)) return 'LIST'
  return method
}

function unitsOf(body: Buffer): number {
  const { ConsumedCapacity: consumed } = JSON.parse(body.toString() || '{}')
  return [consumed ?? []].flat().reduce((sum: number, { CapacityUnits = 0 }) => sum + CapacityUnits, 0)
}

/** Round trips that wait for one another: the longest chain of calls of which each began after the one before ended. */
export function inSequence(calls: Pick<Call, 'started' | 'ended'>[]): number {
  const depths: number[] = []
  const sorted = calls.toSorted((a, b) => a.started - b.started)
  for (const [n, call] of sorted.entries()) {
    const before = sorted.slice(0, n).map(({ ended }, i) => (ended <= call.started ? (depths[i] ?? 0) : 0))
    depths.push(1 + Math.max(0, ...before))
  }
  return Math.max(0, ...depths)
}
