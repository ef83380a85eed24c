import { Hono } from 'hono'
import { describe, expect, it } from 'vitest'
import { requestLog, type Telemetry } from './log.ts'

describe('the request log', () => {
  it('names the route that answered, not the customer in its path, and counts what failed', async () => {
    const lines: unknown[] = []
    const counted: string[] = []
    const log = { info: (_message: string, line: unknown) => lines.push(line) }
    const outer = new Hono().use(
      requestLog({ log, count: (name: string) => counted.push(name) } as unknown as Telemetry),
    )
    const app = new Hono()
    app.onError((_error, c) => c.text('', 503))
    app.get('/customers/:id', (c) => c.text('one'))
    app.get('/broken/:id', () => {
      throw new Error('secret')
    })
    app.all('*', (c) => c.text('page'))
    outer.route('/', app)
    for (const path of ['/customers/CUS-0001', '/broken/CUS-0001', '/other/CUS-0001']) await outer.request(path)
    expect(lines).toMatchObject([
      { method: 'GET', route: '/customers/:id', status: 200 },
      { route: '/broken/:id', status: 503 },
      { route: '/*', status: 200 },
    ])
    expect(JSON.stringify(lines)).not.toMatch(/CUS-|secret/)
    expect(counted).toEqual(['RequestFailed'])
  })
})
