import { describe, expect, it } from 'vitest'
import { persist, Refused, send, Unreachable } from './request.ts'

const problem = (status: number, code = 'x', headers = {}) =>
  new Response(JSON.stringify({ code, detail: 'Do something else.' }), { status, headers })

function failing(...errors: Error[]) {
  let calls = 0
  return {
    step: async () => {
      const error = errors[calls++]
      if (error) throw error
      return 'done'
    },
    calls: () => calls,
  }
}

function patient() {
  const pauses: number[] = []
  const wait = async (ms: number) => void pauses.push(ms)
  return { pauses, options: { wait, random: () => 0.5 } }
}

describe('send', () => {
  it('reads the answer', async () => {
    const value = await send(
      async () => Response.json({ a: 1 }),
      (reply) => reply.json(),
    )
    expect(value).toEqual({ a: 1 })
  })

  it('turns a problem document into its sentence', async () => {
    const refused = send(
      async () => problem(409, 'folder-exists', { 'retry-after': '2' }),
      (reply) => reply.json(),
    )
    await expect(refused).rejects.toMatchObject({
      ...{ status: 409, code: 'folder-exists', message: 'Do something else.', retryAfter: 2000 },
    })
  })

  it('makes sense of an answer that is not ours', async () => {
    const refused = send(
      async () => new Response('<h1>Bad gateway</h1>', { status: 502 }),
      (reply) => reply.json(),
    )
    await expect(refused).rejects.toThrow('The archive answered with status 502.')
  })

  it('calls a failed connection by its name', async () => {
    const cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' })
    const failed = send(
      async (): Promise<Response> => {
        throw new TypeError('fetch failed', { cause })
      },
      (reply) => reply.json(),
    )
    await expect(failed).rejects.toThrow('no answer (ECONNREFUSED)')
  })
})

describe('persist', () => {
  it('tries again after network errors, server errors and 429, ever more slowly', async () => {
    const { step, calls } = failing(
      new Unreachable(new Error('x')),
      new Refused(503, '', 'x'),
      new Refused(429, '', 'x'),
    )
    const { pauses, options } = patient()
    expect(await persist(step, options)).toBe('done')
    expect(calls()).toBe(4)
    expect(pauses).toEqual([250, 500, 1000])
  })

  it('waits as long as the archive asks', async () => {
    const { pauses, options } = patient()
    await persist(failing(new Refused(429, '', 'x', 7000)).step, options)
    expect(pauses).toEqual([7000])
  })

  it('takes a refusal for an answer', async () => {
    const { step, calls } = failing(new Refused(422, 'invalid-input', 'No.'))
    await expect(persist(step, patient().options)).rejects.toThrow('No.')
    expect(calls()).toBe(1)
  })

  it('gives up after about 30 seconds', async () => {
    const { pauses, options } = patient()
    const step = async () => {
      throw new Unreachable(new Error('x'))
    }
    await expect(persist(step, options)).rejects.toThrow(Unreachable)
    const sum = pauses.reduce((a, b) => a + b, 0)
    expect(sum).toBeGreaterThan(20_000)
    expect(sum).toBeLessThanOrEqual(30_000)
  })

  it('stops trying once interrupted', async () => {
    const { step, calls } = failing(new Unreachable(new Error('x')))
    await expect(persist(step, { ...patient().options, signal: AbortSignal.abort() })).rejects.toThrow(Unreachable)
    expect(calls()).toBe(1)
  })
})
