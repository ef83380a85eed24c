import { it } from 'vitest'
import { openTestArchive, someBytes } from './kit.ts'

it('x', async () => {
  const t0 = performance.now()
  const t = await openTestArchive()
  console.log('open', performance.now() - t0)
  console.log((await t.ask('GET', '/api/openapi.json')).status)
  const c = await t.customer()
  const f = await t.folderOf(c.id)
  const t1 = performance.now()
  const d = await t.file(c.id, f.id, someBytes(), { final: true })
  console.log('file', performance.now() - t1, JSON.stringify(d))
  for (const [m, p, b] of [['PATCH', `/api/customers/${c.id}`, 'hello']] as const)
    console.log(await t.ask(m, p, b, undefined, { 'content-type': 'text/plain' }))
  console.log(await t.ask('GET', `/api/customers/CUS-9999/journal`))
  console.log(await t.ask('PATCH', `/api/customers/${c.id}`, '{'))
  console.log(await t.ask('PATCH', `/api/customers/${c.id}`, '{"__proto__": {"name": "x"}}'))
  console.log(await t.ask('PATCH', `/api/customers/${c.id}`, JSON.stringify({ name: 'x'.repeat(2_000_000) })))
  const n = await t.ask('POST', `/api/customers`, { type: 'company', name: 'ß'.repeat(99) + '😀'.repeat(50) })
  console.log(n)
  await t.close()
})
