import { ArchiveError, ConflictError } from '@registratur/core/errors'
import type { Item, Key, Query, Table, Write } from '@registratur/core/ports'
import { type EmbeddedTable, openTable } from '@registratur/embedded/table'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { tableAdapter } from './adapter.ts'
import { createAuth } from './auth.ts'

const ORIGIN = 'http://localhost:4321'
const EMAIL = 'ada@example.com'
const DAY = 24 * 60 * 60 * 1000

let table: EmbeddedTable
let known: Set<string>
let mails: { email: string; code: string }[]

beforeEach(() => {
  table = openTable(':memory:')
  known = new Set([EMAIL])
  mails = []
})

afterEach(async () => {
  vi.useRealTimers()
  vi.restoreAllMocks()
  await table.close()
})

function open(over: { table?: Table; baseUrl?: string } = {}) {
  return createAuth({
    table: over.table ?? table,
    secret: 'a secret of more than thirty-two characters',
    baseUrl: over.baseUrl ?? ORIGIN,
    trustedOrigins: ['http://127.0.0.1:4321'],
    knows: async (email) => known.has(email),
    sendCode: async (mail) => void mails.push(mail),
  })
}

type Auth = ReturnType<typeof open>

function post(auth: Auth, path: string, body: unknown, headers: Record<string, string> = {}) {
  return auth.handler(
    new Request(`${ORIGIN}/api/auth${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  )
}

const send = (auth: Auth, email = EMAIL) => post(auth, '/email-otp/send-verification-otp', { email, type: 'sign-in' })
const enter = (auth: Auth, otp: string, email = EMAIL) => post(auth, '/sign-in/email-otp', { email, otp })

async function codeFor(auth: Auth, email = EMAIL): Promise<string> {
  expect((await send(auth, email)).status).toBe(200)
  return mails.at(-1)?.code ?? ''
}

const wrong = (code: string, by = 1) => String((Number(code) + by) % 100_000_000).padStart(8, '0')

/** The Cookie header a browser would send after this answer. */
function cookieOf(headers: Headers): Headers {
  const pairs = headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '')
  return new Headers({ cookie: pairs.filter((pair) => !pair.endsWith('=')).join('; ') })
}

async function signIn(auth: Auth): Promise<Headers> {
  const response = await enter(auth, await codeFor(auth))
  expect(response.status).toBe(200)
  return cookieOf(response.headers)
}

function setTime(instant: number | Date) {
  vi.useFakeTimers({ toFake: ['Date'], now: instant })
}

/** The table with what was asked of it; `before` may hold a transaction back. */
function watched(before: (writes: Write[]) => Promise<void> = async () => {}) {
  const calls: string[] = []
  const written: Write[] = []
  const watching: Table = {
    get<T extends Item>(key: Key) {
      calls.push(`get ${key.pk}`)
      return table.get<T>(key)
    },
    getMany<T extends Item>(keys: Key[]) {
      calls.push(`getMany ${keys.length}`)
      return table.getMany<T>(keys)
    },
    query<T extends Item>(query: Query) {
      calls.push(`query ${query.pk}`)
      return table.query<T>(query)
    },
    async transact(writes) {
      calls.push('transact')
      await before(writes)
      await table.transact(writes)
      written.push(...writes)
    },
    next: (counter, n) => table.next(counter, n),
    changes: (consumer) => table.changes(consumer),
  }
  return { table: watching, calls, written }
}

const consumedCodes = (writes: Write[]) =>
  writes.filter((write) => 'put' in write && write.put.pk.startsWith('auth#verification#') && !('value' in write.put))

describe('signing in with a code', () => {
  it('opens a session that lasts until it is signed out', async () => {
    const auth = open()
    const response = await enter(auth, await codeFor(auth))
    expect(response.status).toBe(200)
    expect(response.headers.get('cache-control')).toBe('no-store')
    const [cookie, ...others] = response.headers.getSetCookie()
    expect(others).toEqual([])
    expect(cookie).toMatch(/^registratur\.session_token=[^;]+; Max-Age=604800; Path=\/; HttpOnly; SameSite=Lax$/)

    const headers = cookieOf(response.headers)
    const session = await auth.session(headers)
    expect(session).toMatchObject({ email: EMAIL, setCookies: [] })
    const got = await auth.handler(new Request(`${ORIGIN}/api/auth/get-session`, { headers }))
    expect(await got.json()).toMatchObject({ user: { id: session?.userId, email: EMAIL, emailVerified: true } })

    headers.set('origin', ORIGIN)
    const out = await auth.handler(new Request(`${ORIGIN}/api/auth/sign-out`, { method: 'POST', headers }))
    expect(out.status).toBe(200)
    expect(out.headers.getSetCookie().join()).toContain('registratur.session_token=; Max-Age=0')
    expect(await auth.session(headers)).toBeUndefined()
  })

  it('takes a code of eight digits, mailed once, however it is typed', async () => {
    const auth = open()
    const code = await codeFor(auth)
    expect(code).toMatch(/^\d{8}$/)
    expect(mails).toHaveLength(1)
    expect((await enter(auth, ` ${code.slice(0, 4)} ${code.slice(4)} `)).status).toBe(200)
  })

  it('takes an address for the same in any case, with blanks around it', async () => {
    const auth = open()
    const code = await codeFor(auth, '  ADA@Example.com ')
    expect(mails).toEqual([{ email: EMAIL, code }])
    expect((await enter(auth, code, 'Ada@EXAMPLE.com')).status).toBe(200)
    const again = await auth.session(await signIn(auth))
    expect(again?.email).toBe(EMAIL)
  })

  it('sets __Host- cookies that are Secure where the archive is reached by https', async () => {
    const auth = open({ baseUrl: 'https://archive.example' })
    const response = await enter(auth, await codeFor(auth))
    expect(response.headers.getSetCookie()[0]).toMatch(
      /^__Host-registratur\.session_token=[^;]+; Max-Age=\d+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    )
    expect(await auth.session(cookieOf(response.headers))).toMatchObject({ email: EMAIL })
  })

  it('stores neither the code nor the token nor where somebody signed in from', async () => {
    const { table: watching, written } = watched()
    const auth = open({ table: watching })
    const code = await codeFor(auth)
    const response = await post(auth, '/sign-in/email-otp', { email: EMAIL, otp: code }, { 'user-agent': 'a-browser' })
    const { token } = (await response.json()) as { token: string }
    const stored = JSON.stringify(written)
    expect(stored).not.toContain(code)
    expect(stored).not.toContain(token)
    expect(stored).not.toContain('a-browser')
  })

  it('lets rows of codes and sessions expire by themselves', async () => {
    setTime(new Date('2026-01-01T00:00:00Z'))
    const auth = open()
    const headers = await signIn(auth)
    await codeFor(auth)
    setTime(new Date('2026-01-08T00:00:01Z'))
    expect(await table.removeExpired(new Date())).toBe(2)
    expect(await auth.session(headers)).toBeUndefined()
  })
})

describe('a code', () => {
  it('is refused when it is wrong, and the right one works after that', async () => {
    const auth = open()
    const code = await codeFor(auth)
    const response = await enter(auth, wrong(code))
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ code: 'INVALID_OTP', message: 'Invalid OTP' })
    expect(response.headers.getSetCookie()).toEqual([])
    expect((await enter(auth, code)).status).toBe(200)
  })

  it('is void after five wrong tries', async () => {
    const auth = open()
    const code = await codeFor(auth)
    for (let n = 1; n <= 5; n++) expect((await enter(auth, wrong(code, n))).status).toBe(400)
    expect((await enter(auth, code)).status).toBe(403)
    expect((await enter(auth, code)).status).toBe(400)
    expect((await enter(auth, await codeFor(auth))).status).toBe(200)
  })

  it('is void after ten minutes', async () => {
    const start = Date.parse('2026-01-01T00:00:00Z')
    setTime(start)
    const auth = open()
    const code = await codeFor(auth)
    setTime(start + 10 * 60_000 + 1)
    const response = await enter(auth, code)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ code: 'OTP_EXPIRED' })
    setTime(start)
    expect((await enter(auth, code)).status).toBe(400)
  })

  it('is void when it was used', async () => {
    const auth = open()
    const code = await codeFor(auth)
    expect((await enter(auth, code)).status).toBe(200)
    expect((await enter(auth, code)).status).toBe(400)
  })

  it('is void when a newer one was sent', async () => {
    const auth = open()
    const older = await codeFor(auth)
    const newer = await codeFor(auth)
    expect((await enter(auth, older)).status).toBe(400)
    expect((await enter(auth, newer)).status).toBe(200)
  })

  it('belongs to one address', async () => {
    known.add('bob@example.com')
    const auth = open()
    const code = await codeFor(auth)
    await codeFor(auth, 'bob@example.com')
    expect((await enter(auth, code, 'bob@example.com')).status).toBe(400)
  })

  it('signs in one of two who use it at once', async () => {
    // Two instances share nothing but the table, as two Lambda functions do.
    const [left, right] = [open(), open()]
    for (let round = 0; round < 20; round++) {
      const code = await codeFor(left)
      const answers = await Promise.all([enter(left, code), enter(right, code)])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400])
      expect(answers.flatMap(({ headers }) => headers.getSetCookie())).toHaveLength(1)
    }
  })

  it('gives five tries, however many guess at once', async () => {
    const { table: watching, written } = watched()
    const auths = [open({ table: watching }), open({ table: watching }), open({ table: watching })]
    const [first] = auths as [Auth]
    const code = await codeFor(first)
    let by = 1
    for (let storm = 0; storm < 8; storm++) {
      const guesses = Array.from({ length: 15 }, (_, n) => enter(auths[n % 3] ?? first, wrong(code, by++)))
      for (const { status } of await Promise.all(guesses)) expect([400, 403]).toContain(status)
    }
    // Five compared, the sixth found the code exhausted; everybody else found it taken.
    expect(consumedCodes(written)).toHaveLength(6)
    expect((await enter(first, code)).status).toBe(400)
  })

  it('is never opened twice by ten wrong guesses and the right one at once', async () => {
    const [left, right] = [open(), open()]
    for (let round = 0; round < 5; round++) {
      const code = await codeFor(left)
      const guesses = Array.from({ length: 10 }, (_, n) => enter(n % 2 ? left : right, wrong(code, n + 1)))
      const answers = await Promise.all([...guesses, enter(left, code)])
      expect(answers.slice(0, 10).every(({ status }) => status >= 400)).toBe(true)
      // The right one may lose the race and is to be entered again, unless it won.
      const last = answers.at(-1)?.status
      expect([200, 400, 403]).toContain(last)
      expect(answers.flatMap(({ headers }) => headers.getSetCookie()).length).toBe(last === 200 ? 1 : 0)
    }
  })

  it('counts the try of a guess that was held up while another one was counted', async () => {
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    let holding = false
    const slow = watched(async (writes) => {
      if (consumedCodes(writes).length === 0) return
      holding = true
      await held
    })
    const [hindered, quick] = [open({ table: slow.table }), open()]
    const code = await codeFor(quick)
    const late = enter(hindered, code)
    await vi.waitFor(() => expect(holding).toBe(true))
    expect((await enter(quick, wrong(code))).status).toBe(400)
    release()
    // It read the code before that try was counted: it must not consume what it hasn't read.
    expect((await late).status).toBe(400)
    const row = await table.get<Item & { value?: string }>({
      pk: `auth#verification#sign-in-otp-${EMAIL}`,
      sk: 'verification',
    })
    expect(row?.value).toMatch(/:1$/)
    expect((await enter(quick, code)).status).toBe(200)
  })

  it('is not replaced by an older one whose try is counted late', async () => {
    const start = Date.parse('2026-01-01T00:00:00Z')
    setTime(start)
    const auth = open()
    let newer = ''
    const slow = watched(async (writes) => {
      const counted = writes.some((write) => 'put' in write && String(write.put['value' as never]).endsWith(':1'))
      if (!counted || newer) return
      setTime(start + 1000)
      newer = await codeFor(auth)
    })
    const older = await codeFor(auth)
    expect((await enter(open({ table: slow.table }), wrong(older))).status).toBe(400)
    expect(newer).toMatch(/^\d{8}$/)
    expect((await enter(auth, newer)).status).toBe(200)
  })
})

describe('an address we don’t know', () => {
  const stranger = 'mallory@example.com'
  const told = async (response: Response) => ({
    status: response.status,
    headers: [...response.headers].filter(([name]) => name !== 'date'),
    body: await response.text(),
  })

  it('gets the same answers as one we know, and no mail', async () => {
    const auth = open()
    expect(await told(await send(auth, stranger))).toEqual(await told(await send(auth)))
    expect(mails.map(({ email }) => email)).toEqual([EMAIL])
    const bad = wrong(mails[0]?.code ?? '')
    for (let n = 0; n < 8; n++) {
      expect(await told(await enter(auth, bad, stranger))).toEqual(await told(await enter(auth, bad)))
    }
  })

  it('costs the table the same work', async () => {
    const { table: watching, calls } = watched()
    const auth = open({ table: watching })
    await send(auth)
    const forKnown = calls.splice(0).map((call) => call.replace(EMAIL, '…'))
    await send(auth, stranger)
    expect(calls.map((call) => call.replace(stranger, '…'))).toEqual(forKnown)
  })

  it('leaves no user behind', async () => {
    const auth = open()
    await send(auth, stranger)
    await expect(auth.signInAs(stranger)).rejects.toMatchObject({ code: 'unknown-address' })
    expect(await table.get({ pk: `auth#email#${stranger}`, sk: 'user' })).toBeUndefined()
    await send(auth)
    expect(await table.get({ pk: `auth#email#${EMAIL}`, sk: 'user' })).toBeUndefined()
  })

  it.each(['before the first sign-in', 'later'])('can’t use a code it got while it was known: %s', async (when) => {
    const auth = open()
    if (when === 'later') await signIn(auth)
    const code = await codeFor(auth)
    known.delete(EMAIL)
    const response = await enter(auth, code)
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ code: 'INVALID_OTP', message: 'Invalid OTP' })
    expect(response.headers.getSetCookie()).toEqual([])
  })

  it('can’t be told by a mail that could not be queued, and the log names nobody', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    const auth = createAuth({
      table,
      secret: 'a secret of more than thirty-two characters',
      baseUrl: ORIGIN,
      trustedOrigins: [],
      knows: async () => true,
      sendCode: async ({ email }) => {
        throw new Error(`no mail to ${email}`)
      },
    })
    expect((await send(auth)).status).toBe(200)
    expect(log.mock.calls).toEqual([['sign-in: Failed to run background task: (Error)']])
  })
})

describe('a session', () => {
  it('is read with one round trip, and with none when there is no cookie of ours', async () => {
    const { table: watching, calls } = watched()
    const auth = open({ table: watching })
    const headers = await signIn(auth)
    calls.length = 0
    expect(await auth.session(headers)).toMatchObject({ email: EMAIL })
    expect(calls).toEqual(['getMany 2'])
    calls.length = 0
    const cookie = headers.get('cookie') ?? ''
    const forged = [
      '',
      'registratur.session_token=x',
      'registratur.session_token=%E0%A4%A',
      cookie.slice(0, -6),
      cookie.replace('=', '=a'),
    ]
    for (const cookie of forged) expect(await auth.session(new Headers({ cookie }))).toBeUndefined()
    expect(await auth.session(new Headers())).toBeUndefined()
    expect(calls).toEqual([])
  })

  it('is prolonged once a day while it is used, and ends after a week without', async () => {
    const start = Date.parse('2026-01-01T00:00:00Z')
    setTime(start)
    const { table: watching, calls } = watched()
    const auth = open({ table: watching })
    const headers = await signIn(auth)
    setTime(start + DAY - 1000)
    calls.length = 0
    expect(await auth.session(headers)).toMatchObject({ expiresAt: '2026-01-08T00:00:00.000Z', setCookies: [] })
    expect(calls).not.toContain('transact')
    setTime(start + 6 * DAY)
    const prolonged = await auth.session(headers)
    expect(prolonged?.expiresAt).toBe('2026-01-14T00:00:00.000Z')
    expect(prolonged?.setCookies[0]).toContain('registratur.session_token=')
    expect((await auth.session(headers))?.setCookies).toEqual([])
    setTime(start + 13 * DAY + 1000)
    expect(await auth.session(headers)).toBeUndefined()
  })

  it('survives being prolonged by two tabs at once, but not being revoked meanwhile', async () => {
    const start = Date.parse('2026-01-01T00:00:00Z')
    setTime(start)
    const auth = open()
    const headers = await signIn(auth)
    setTime(start + 2 * DAY)
    const both = await Promise.all([auth.session(headers), open().session(headers)])
    expect(both.map((session) => session?.email)).toEqual([EMAIL, EMAIL])
    setTime(start + 4 * DAY)
    let revoked = false
    const slow = watched(async () => {
      if (!revoked) await auth.revokeSessionsOf(EMAIL)
      revoked = true
    })
    expect(await open({ table: slow.table }).session(headers)).toBeUndefined()
    expect(revoked).toBe(true)
    expect(await auth.session(headers)).toBeUndefined()
  })

  it('ends with the others of its address when they are revoked', async () => {
    known.add('bob@example.com')
    const auth = open()
    const mine = [await signIn(auth), await signIn(auth), cookieOf(await auth.signInAs(EMAIL))]
    const bobs = cookieOf(await auth.signInAs('bob@example.com'))
    for (const headers of mine) expect(await auth.session(headers)).toBeDefined()
    await auth.revokeSessionsOf(' Ada@Example.com')
    await auth.revokeSessionsOf('nobody@example.com')
    for (const headers of mine) expect(await auth.session(headers)).toBeUndefined()
    expect(await auth.session(bobs)).toBeDefined()
  })

  it('can be ended everywhere by its owner', async () => {
    const auth = open()
    const [here, there] = [await signIn(auth), await signIn(auth)]
    const path = `${ORIGIN}/api/auth/revoke-sessions`
    expect((await auth.handler(new Request(path, { method: 'POST' }))).status).toBe(401)
    const headers = new Headers([...here, ['origin', ORIGIN]])
    expect((await auth.handler(new Request(path, { method: 'POST', headers }))).status).toBe(200)
    expect(await auth.session(here)).toBeUndefined()
    expect(await auth.session(there)).toBeUndefined()
  })

  it('is signed out by the server', async () => {
    const auth = open()
    const [here, there] = [await signIn(auth), await signIn(auth)]
    const cleared = await auth.signOut(here)
    expect(cleared.getSetCookie()[0]).toContain('registratur.session_token=; Max-Age=0')
    expect(await auth.session(here)).toBeUndefined()
    expect(await auth.session(there)).toBeDefined()
    expect((await auth.signOut(new Headers())).getSetCookie()).not.toEqual([])
  })

  it('fails as the table does, so that an outage is not taken for a stranger', async () => {
    const headers = await signIn(open())
    const { table: watching } = watched()
    const down = new ArchiveError('unavailable', 'table-down', 'The table is down.')
    const auth = open({ table: { ...watching, getMany: () => Promise.reject(down) } })
    vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(auth.session(headers)).rejects.toBe(down)
  })
})

describe('signing somebody in from the server', () => {
  it('needs no code and leaves one that is under way alone', async () => {
    const auth = open()
    const code = await codeFor(auth)
    const headers = await auth.signInAs(' Ada@Example.com')
    expect([...headers.keys()]).toEqual(['set-cookie'])
    expect(await auth.session(cookieOf(headers))).toMatchObject({ email: EMAIL })
    expect((await enter(auth, code)).status).toBe(200)
    expect(mails).toHaveLength(1)
  })

  it('makes one user when it happens twice at once', async () => {
    const [left, right] = [open(), open()]
    const headers = await Promise.all([left, right, left].map((auth) => auth.signInAs(EMAIL)))
    const sessions = await Promise.all(headers.map((each) => left.session(cookieOf(each))))
    expect(new Set(sessions.map((session) => session?.userId)).size).toBe(1)
    expect(new Set(sessions.map((session) => session?.sessionId)).size).toBe(3)
  })
})

describe('the endpoints', () => {
  it.each([
    ['POST', '/sign-up/email'],
    ['POST', '/sign-in/email'],
    ['POST', '/sign-in/social'],
    ['POST', '/email-otp/check-verification-otp'],
    ['POST', '/email-otp/verify-email'],
    ['POST', '/email-otp/reset-password'],
    ['POST', '/email-otp/request-password-reset'],
    ['POST', '/forget-password/email-otp'],
    ['POST', '/email-otp/change-email'],
    ['GET', '/email-otp/get-verification-otp?email=ada@example.com&type=sign-in'],
    ['POST', '/update-user'],
    ['POST', '/delete-user'],
    ['POST', '/change-email'],
    ['GET', '/list-sessions'],
    ['POST', '/revoke-session'],
    ['GET', '/list-accounts'],
    ['GET', '/verify-email?token=x'],
    ['GET', '/ok'],
    ['GET', '/error'],
    ['GET', '/reference'],
    ['POST', '/server-sign-in'],
    ['POST', '/get-session'],
    ['GET', '/sign-out'],
    ['GET', '/sign-in/email-otp'],
    ['POST', '/sign-in/email-otp/'],
    ['POST', '/sign-in//email-otp'],
    ['POST', '/sign-in%2Femail-otp'],
    ['GET', '/__proto__'],
    ['GET', ''],
  ])('%s %s is not there', async (method, path) => {
    const auth = open()
    const headers = await signIn(auth)
    headers.set('origin', ORIGIN)
    headers.set('content-type', 'application/json')
    const body =
      method === 'POST' ? JSON.stringify({ email: EMAIL, password: 'correct horse', name: 'Ada' }) : undefined
    const response = await auth.handler(new Request(`${ORIGIN}/api/auth${path}`, { method, headers, body }))
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({ code: 'NOT_FOUND' })
  })

  it('ignore what else a body says', async () => {
    const auth = open()
    const code = await codeFor(auth)
    const extra = { name: 'Root', image: 'https://x', emailVerified: false, id: 'chosen', role: 'administrator' }
    const response = await post(auth, '/sign-in/email-otp', { email: EMAIL, otp: code, ...extra })
    const { user } = (await response.json()) as { user: Record<string, unknown> }
    expect(user).toMatchObject({ name: '', emailVerified: true })
    expect(user.id).not.toBe('chosen')
    expect(user.image ?? null).toBeNull()
  })

  it('answer garbage with 4xx', async () => {
    const auth = open()
    const code = await codeFor(auth)
    const bodies: unknown[] = [
      '',
      '{',
      'null',
      '[]',
      '""',
      '1',
      'true',
      '{"email":',
      '\0',
      '\ufeff{}',
      '{"__proto__":{"email":"ada@example.com"}}',
      '['.repeat(2000),
      {},
      [],
      [{ email: EMAIL, otp: code, type: 'sign-in' }],
      { email: EMAIL },
      { otp: code, type: 'sign-in' },
      { email: EMAIL, otp: Number(code), type: 1 },
      { email: EMAIL, otp: [code], type: ['sign-in'] },
      { email: EMAIL, otp: { $ne: '' }, type: {} },
      { email: EMAIL, otp: null, type: null },
      { email: EMAIL, otp: '', type: '' },
      { email: EMAIL, otp: `${code}\0`, type: 'sign-in\0' },
      { email: EMAIL, otp: '١٢٣٤٥٦٧٨', type: 'forget-password' },
      { email: EMAIL, otp: code.repeat(400), type: 'email-verification' },
      { email: EMAIL, otp: 'x'.repeat(1_000_000), type: 'change-email' },
      { email: [EMAIL], otp: code, type: 'sign-in' },
      { email: { toString: 'x' }, otp: code, type: 'sign-in' },
      { email: 42, otp: code, type: 'sign-in' },
      { email: `${EMAIL}\0`, otp: code, type: 'sign-in' },
      { email: `ada\0@example.com`, otp: code, type: 'sign-in' },
      { email: `${EMAIL}\r\nBcc: x@example.com`, otp: code, type: 'sign-in' },
      { email: 'ada', otp: code, type: 'sign-in' },
      { email: `${'a'.repeat(300)}@example.com`, otp: code, type: 'sign-in' },
      { email: '\ud800@example.com', otp: code, type: 'sign-in' },
      { email: 'ada@example.com, bob@example.com', otp: code, type: 'sign-in' },
    ]
    for (const path of ['/email-otp/send-verification-otp', '/sign-in/email-otp']) {
      for (const body of bodies) {
        const response = await post(auth, path, body)
        const shown = JSON.stringify(body).slice(0, 80)
        expect(response.status, `${path} ${shown}`).toBeGreaterThanOrEqual(400)
        expect(response.status, `${path} ${shown}`).toBeLessThan(500)
        expect(await response.json(), `${path} ${shown}`).toMatchObject({ code: expect.any(String) })
      }
    }
    expect((await enter(auth, code)).status).toBe(200)
    expect(mails).toHaveLength(1)
  })

  it('answer garbage in cookies and queries without failing', async () => {
    const auth = open()
    const good = (await signIn(auth)).get('cookie') ?? ''
    for (const cookie of [
      '=',
      ';;;',
      'registratur.session_token',
      `registratur.session_token=${'x'.repeat(9000)}`,
      good,
    ]) {
      for (const query of ['', '?disableCookieCache=[]&disableRefresh=%00', '?x=%', '?a=1&a=2']) {
        const response = await auth.handler(
          new Request(`${ORIGIN}/api/auth/get-session${query}`, { headers: { cookie } }),
        )
        expect(response.status).toBe(200)
        expect((await response.json()) === null).toBe(cookie !== good)
      }
    }
  })

  it('take JSON only, which no form of another site can send', async () => {
    const auth = open()
    const code = await codeFor(auth)
    for (const type of [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data',
      'application/jsonp',
      '',
    ]) {
      const response = await post(auth, '/sign-in/email-otp', { email: EMAIL, otp: code }, { 'content-type': type })
      expect(response.status).toBe(415)
    }
    const typed = { 'content-type': 'Application/JSON; charset=utf-8' }
    expect((await post(auth, '/sign-in/email-otp', { email: EMAIL, otp: code }, typed)).status).toBe(200)
  })

  it('refuse cookies from another origin, and take none from no origin', async () => {
    const auth = open()
    const cookie = (await signIn(auth)).get('cookie') ?? ''
    const status = async (headers: Record<string, string>, path = '/sign-out') =>
      (await post(auth, path, { email: EMAIL, type: 'sign-in' }, headers)).status
    expect(await status({ cookie })).toBe(403)
    expect(await status({ cookie, origin: 'null' })).toBe(403)
    expect(await status({ cookie, origin: 'https://evil.example' })).toBe(403)
    expect(await status({ cookie, origin: 'https://evil.example', host: 'evil.example' })).toBe(403)
    expect(await status({ cookie, origin: 'https://evil.example' }, '/revoke-sessions')).toBe(403)
    expect(await status({ origin: 'https://evil.example' }, '/email-otp/send-verification-otp')).toBe(403)
    expect(await auth.session(new Headers({ cookie }))).toBeDefined()
    // A browser of ours that is signed in already, a script without an Origin.
    const path = '/email-otp/send-verification-otp'
    expect(await status({ cookie, origin: ORIGIN, 'sec-fetch-site': 'same-origin' }, path)).toBe(200)
    expect(await status({ origin: 'http://127.0.0.1:4321' }, path)).toBe(200)
    expect(await status({}, path)).toBe(200)
    expect(await status({ cookie, origin: 'http://127.0.0.1:4321' })).toBe(200)
  })

  it('throw what is not the request’s fault, for the app to answer', async () => {
    const { table: watching } = watched()
    const down = new ArchiveError('unavailable', 'table-down', 'The table is down.')
    const auth = open({ table: { ...watching, get: () => Promise.reject(down) } })
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    await expect(enter(auth, '12345678')).rejects.toBe(down)
    expect(JSON.stringify(log.mock.calls)).not.toContain(EMAIL)
  })

  it('want a secret worth the name', () => {
    const options = { table, baseUrl: ORIGIN, trustedOrigins: [], knows: async () => true, sendCode: async () => {} }
    expect(() => createAuth({ ...options, secret: 'short' })).toThrow('too short')
  })
})

describe('the adapter', () => {
  const adapter = () => tableAdapter(table)({ advanced: { database: { joins: true } } })
  const account = { providerId: 'oidc', accountId: 'their#1', createdAt: new Date(0), updatedAt: new Date(0) }

  it('finds accounts by user and by the provider’s own id', async () => {
    const db = adapter()
    const user = await db.create<Record<string, unknown>, { id: string }>({
      model: 'user',
      data: { email: EMAIL, name: 'Ada', emailVerified: true },
    })
    await db.create({ model: 'account', data: { ...account, userId: user.id } })
    const byKey = [
      { field: 'providerId', value: 'oidc' },
      { field: 'accountId', value: 'their#1' },
    ]
    const found = await db.findMany({ model: 'account', where: byKey, join: { user: true } })
    expect(found).toMatchObject([{ ...account, userId: user.id, user: { id: user.id, email: EMAIL } }])
    expect(await db.count({ model: 'account', where: [{ field: 'userId', value: user.id }] })).toBe(1)
    await expect(db.create({ model: 'account', data: { ...account, userId: 'other' } })).rejects.toThrow(ConflictError)
    expect(await db.deleteMany({ model: 'account', where: [{ field: 'userId', value: user.id }] })).toBe(1)
    expect(await db.findMany({ model: 'account', where: byKey })).toEqual([])
  })

  it('keeps an address to one user', async () => {
    const db = adapter()
    const data = { email: EMAIL, name: 'Ada', emailVerified: true }
    const user = await db.create<typeof data, { id: string }>({ model: 'user', data })
    await expect(db.create({ model: 'user', data })).rejects.toThrow(ConflictError)
    const where = [{ field: 'id', value: user.id }]
    expect(await db.update({ model: 'user', where, update: { name: 'Ada L.' } })).toMatchObject({ name: 'Ada L.' })
    await expect(db.update({ model: 'user', where, update: { email: 'x@example.com' } })).rejects.toThrow('key')
    await db.delete({ model: 'user', where })
    expect(await db.findOne({ model: 'user', where: [{ field: 'email', value: EMAIL }] })).toBeNull()
    await db.create({ model: 'user', data })
  })

  it('never scans', async () => {
    const db = adapter()
    const now = new Date()
    await expect(db.findMany({ model: 'user' })).rejects.toThrow('no key answers')
    await expect(db.findMany({ model: 'user', where: [{ field: 'name', value: 'Ada' }] })).rejects.toThrow('user where')
    await expect(
      db.deleteMany({ model: 'verification', where: [{ field: 'expiresAt', operator: 'lt', value: now }] }),
    ).rejects.toThrow('no key answers')
    await expect(
      db.findMany({ model: 'session', where: [{ field: 'token', operator: 'in', value: ['a.b'] }] }),
    ).rejects.toThrow('no key answers')
    await expect(
      db.findOne({
        model: 'user',
        where: [
          { field: 'email', value: EMAIL },
          { field: 'id', value: 'x', connector: 'OR' },
        ],
      }),
    ).rejects.toThrow('no key answers')
    await expect(db.count({ model: 'session', where: [{ field: 'id', value: 'x' }] })).rejects.toThrow('no key answers')
  })

  it('counts only what it deleted itself', async () => {
    const db = adapter()
    const data = { identifier: 'x', value: 'v:0', expiresAt: new Date(Date.now() + DAY) }
    await db.create({ model: 'verification', data })
    const where = [{ field: 'identifier', value: 'x' }]
    const counts = await Promise.all([1, 2, 3].map(() => db.deleteMany({ model: 'verification', where })))
    expect(counts.reduce((sum, count) => sum + count)).toBe(1)
    await db.create({ model: 'verification', data })
    const consumed = await Promise.all([1, 2, 3].map(() => db.consumeOne({ model: 'verification', where })))
    expect(consumed.filter(Boolean)).toMatchObject([{ identifier: 'x', value: 'v:0' }])
  })
})
