import { afterAll, beforeAll, expect, it } from 'vitest'
import { openTestArchive, type TestArchive } from '../test/kit.ts'

let now = new Date('2026-03-05T10:00:00Z')
let t: TestArchive

beforeAll(async () => {
  t = await openTestArchive({ clock: () => now })
})
afterAll(() => t.close())

const ask = (email: string) =>
  t.ask('POST', '/api/auth/email-otp/send-verification-otp', { email, type: 'sign-in' }, {})
const outcome = ({ status, body, headers }: Awaited<ReturnType<typeof ask>>) => ({
  status,
  body,
  headers: [...headers],
})

it('sends twenty codes to an address in ten minutes, and answers alike when it sends none', async () => {
  const answers = []
  for (let i = 0; i < 22; i++) answers.push(await ask(i % 2 ? 'ADA@archive.example' : 'ada@archive.example'))
  await t.archive.worker.idle()
  expect(await t.mails()).toHaveLength(20)
  const withoutRequestId = (answer: ReturnType<typeof outcome>) => ({
    ...answer,
    headers: answer.headers.filter(([name]) => name !== 'x-request-id'),
  })
  const [first, ...others] = answers.map(outcome).map(withoutRequestId)
  for (const other of others) expect(other).toEqual(first)

  for (let i = 0; i < 22; i++) expect(withoutRequestId(outcome(await ask('nobody@archive.example')))).toEqual(first)
  now = new Date(now.getTime() + 10 * 60_000)
  await ask('ada@archive.example')
  await t.archive.worker.idle()
  expect(await t.mails()).toHaveLength(21)
})
