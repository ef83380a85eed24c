import { Readable } from 'node:stream'
import type { ClientOptions, Handler } from '@registratur/aws/client'

/** What can happen to a call. */
export const FAULTS = [
  'throttled',
  'failed with 500',
  'timed out before it was sent',
  'done, but its answer lost',
] as const
export type Fault = (typeof FAULTS)[number]

/** Counts the calls to AWS, and lets one of them fail. */
export function faultyNetwork() {
  const calls: string[] = []
  let armed: { fault: Fault; at: number } | undefined
  let counting = false

  const wrap: NonNullable<ClientOptions['wrap']> = (inner) => ({
    ...{ metadata: inner.metadata, destroy: () => inner.destroy() },
    handle: async (request, options) => {
      if (!counting) return inner.handle(request, options)
      calls.push(`${request.headers['x-amz-target']?.split('.')[1] ?? request.method} ${request.path}`)
      if (!armed || calls.length !== armed.at) return inner.handle(request, options)
      const { fault } = armed
      armed = undefined
      if (fault === 'throttled') return throttled(request.hostname, Boolean(request.headers['x-amz-target']))
      if (fault === 'failed with 500') return answer(500, '')
      if (fault === 'done, but its answer lost') {
        const { response } = await inner.handle(request, options)
        response.body?.resume?.()
      }
      throw Object.assign(new Error('timed out'), { name: 'TimeoutError' })
    },
  })

  return {
    wrap,
    /** Count from here on; the call with this number fails. */
    arm(fault?: { fault: Fault; at: number }) {
      calls.length = 0
      counting = true
      armed = fault
    },
    /** Stop counting. The calls made since, and whether one failed as planned. */
    disarm() {
      counting = false
      const met = armed === undefined
      armed = undefined
      return { calls: [...calls], met }
    },
  }
}

type Answer = Awaited<ReturnType<Handler['handle']>>

function throttled(_host: string, dynamodb: boolean): Answer {
  return dynamodb
    ? answer(400, JSON.stringify({ __type: 'com.amazonaws.dynamodb.v20120810#ThrottlingException', message: 'slow' }))
    : answer(503, '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>slow</Message></Error>')
}

function answer(statusCode: number, body: string): Answer {
  const response = { statusCode, headers: {}, body: Readable.from([Buffer.from(body)]) }
  return { response } as unknown as Answer
}
