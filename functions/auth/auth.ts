/**
 * Sign-in with a one-time code sent by e-mail: better-auth, reduced to the endpoints we use, over our own table.
 *
 * Denied by default: what `ENDPOINTS` doesn't list is a 404. Requests are normalised before better-auth sees them, so
 * that a malformed body is a 400 and two spellings of an address are one address.
 *
 * How often a code may be asked for is limited by the app (`functions/code-limit.ts`). Each code allows `ATTEMPTS`
 * tries, however they are raced.
 */
import { createHmac } from 'node:crypto'
import { ArchiveError, ConflictError } from '@registratur/core/errors'
import type { Table } from '@registratur/core/ports'
import { Email } from '@registratur/core/text'
import { APIError, createAuthEndpoint, isAPIError } from 'better-auth/api'
import { setSessionCookie } from 'better-auth/cookies'
import { betterAuth } from 'better-auth/minimal'
import { emailOTP } from 'better-auth/plugins/email-otp'
import * as z from 'zod'
import { sessionToken, tableAdapter } from './adapter.ts'

const CODE_DIGITS = 8
const CODE_SECONDS = 10 * 60
const ATTEMPTS = 5
const SESSION_SECONDS = 7 * 24 * 60 * 60
/** A session in use is prolonged at most this often: one write a day. */
const PROLONG_SECONDS = 24 * 60 * 60
const BODY_BYTES = 4096

export interface AuthOptions {
  table: Table
  /** Signs cookies and codes; at least 32 characters, never stored in the table. */
  secret: string
  /** Where the archive is reached; https makes the cookies Secure. */
  baseUrl: string
  /** Further origins from which signed-in requests are accepted. */
  trustedOrigins: string[]
  /** May a person with this (normalised) address sign in now? */
  knows(email: string): Promise<boolean>
  /** Put a mail with the code on its way; resolves once that is safely stored. */
  sendCode(mail: { email: string; code: string }): Promise<void>
}

export interface AuthSession {
  sessionId: string
  userId: string
  email: string
  /** ISO 8601 instant. */
  expiresAt: string
  /** `Set-Cookie` values to pass on; empty unless the session was just prolonged. */
  setCookies: string[]
}

export interface Auth {
  /** Everything under `/api/auth`. Throws only what is no fault of the request, such as a table that doesn't answer. */
  handler(request: Request): Promise<Response>
  /** Whose session the cookies belong to: 1 read; none without a cookie that we signed. */
  session(headers: Headers): Promise<AuthSession | undefined>
  /**
   * Sign somebody in without a code. For the server alone: whoever calls this has decided who it is.
   *
   * @returns headers with the `Set-Cookie`s of the new session
   * @throws {ArchiveError} `unknown-address`
   */
  signInAs(email: string): Promise<Headers>
  /** End the session of these cookies. Returns the headers that clear them. */
  signOut(headers: Headers): Promise<Headers>
  /** End all sessions of an address; not an error when it has none. */
  revokeSessionsOf(email: string): Promise<void>
}

const Code = z
  .string()
  .max(40)
  .transform((code) => code.replace(/[\s-]/g, ''))
  .refine((code) => /^\d{8}$/.test(code))

/** What is answered at all, and the body each takes. */
const ENDPOINTS: Record<string, z.ZodType | undefined> = {
  'POST /api/auth/email-otp/send-verification-otp': z.object({ email: Email, type: z.literal('sign-in') }),
  'POST /api/auth/sign-in/email-otp': z.object({ email: Email, otp: Code }),
  'POST /api/auth/sign-out': undefined,
  'POST /api/auth/revoke-sessions': undefined,
  'GET /api/auth/get-session': undefined,
}

const INVALID_CODE = { code: 'INVALID_OTP', message: 'Invalid OTP' }

/** @see AuthOptions */
export function createAuth({ table, secret, baseUrl, trustedOrigins, knows, sendCode }: AuthOptions): Auth {
  if (secret.length < 32) throw new Error('The secret for sign-in is too short: give at least 32 random characters')
  const { origin, protocol } = new URL(baseUrl)
  const secure = protocol === 'https:'

  const auth = betterAuth({
    appName: 'Registratur',
    baseURL: origin,
    basePath: '/api/auth',
    secret,
    // Given so that no environment variable can take the secret's place.
    secrets: [{ version: 1, value: secret }],
    trustedOrigins,
    database: tableAdapter(table),
    plugins: [
      emailOTP({
        otpLength: CODE_DIGITS,
        expiresIn: CODE_SECONDS,
        allowedAttempts: ATTEMPTS,
        // Keyed: the plain hash of eight digits is undone in a second by whoever reads the table.
        storeOTP: { hash: async (code) => createHmac('sha256', secret).update(`code:${code}`).digest('base64url') },
        // Called for every address, so that known and unknown ones differ in nothing but the mail.
        async sendVerificationOTP({ email, otp }) {
          if (await knows(email)) await sendCode({ email, code: otp })
        },
      }),
      serverSignIn,
    ],
    session: { expiresIn: SESSION_SECONDS, updateAge: PROLONG_SECONDS, cookieCache: { enabled: false } },
    // The table expires rows by itself.
    verification: { disableCleanup: true },
    databaseHooks: {
      user: {
        create: {
          async before({ email }) {
            if (!(await knows(email))) throw APIError.from('BAD_REQUEST', INVALID_CODE)
          },
        },
      },
      session: {
        create: {
          /** The one gate to a session: however somebody got here, the address must be known now. */
          async before({ userId }, context) {
            const user = await context?.context.internalAdapter.findUserById(userId)
            if (!user || !(await knows(user.email))) throw APIError.from('BAD_REQUEST', INVALID_CODE)
            return { data: { token: sessionToken(userId), userAgent: null, ipAddress: null } }
          },
        },
      },
    },
    advanced: {
      database: { joins: true, validateSchema: false },
      ipAddress: { disableIpTracking: true },
      // `__Host-` instead of better-auth's `__Secure-`: no other host of the domain can plant the cookie.
      useSecureCookies: false,
      cookiePrefix: secure ? '__Host-registratur' : 'registratur',
      defaultCookieAttributes: { secure, httpOnly: true, sameSite: 'lax', path: '/' },
      // Said aloud because better-auth switches both checks off under NODE_ENV=test.
      disableCSRFCheck: false,
      disableOriginCheck: false,
    },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    onAPIError: { throw: true },
    logger: { level: 'error', disableColors: true, log: logFailure },
  })

  return {
    async handler(request) {
      const prepared = await prepare(request, origin)
      const response = prepared instanceof Response ? prepared : await auth.handler(prepared)
      response.headers.set('cache-control', 'no-store')
      return response
    },

    async session(headers) {
      try {
        const { response, headers: answer } = await auth.api.getSession({
          headers: cookies(headers),
          returnHeaders: true,
        })
        if (!response) return undefined
        const { session, user } = response
        return {
          sessionId: session.id,
          userId: user.id,
          email: user.email,
          expiresAt: session.expiresAt.toISOString(),
          setCookies: answer.getSetCookie(),
        }
      } catch (error) {
        // Revoked between the read and its prolongation.
        if (isAPIError(error) && error.status === 'UNAUTHORIZED') return undefined
        throw error instanceof Error && error.cause instanceof Error ? error.cause : error
      }
    },

    async signInAs(address) {
      const email = Email.parse(address)
      if (!(await knows(email))) {
        throw new ArchiveError(
          'forbidden',
          'unknown-address',
          'Nobody with this address may sign in. Invite them first.',
        )
      }
      const { headers } = await auth.api.signInAs({ body: { email }, returnHeaders: true })
      return onlyCookies(headers)
    },

    async signOut(headers) {
      const answer = await auth.api.signOut({ headers: cookies(headers), returnHeaders: true })
      return onlyCookies(answer.headers)
    },

    async revokeSessionsOf(address) {
      const { internalAdapter } = await auth.$context
      const found = await internalAdapter.findUserByEmail(Email.parse(address))
      if (found) await internalAdapter.deleteUserSessions(found.user.id)
    },
  }
}

const serverSignIn = {
  id: 'server-sign-in',
  endpoints: {
    signInAs: createAuthEndpoint.serverOnly(
      { method: 'POST', body: z.object({ email: z.string() }) },
      async (context) => {
        const { internalAdapter } = context.context
        const { email } = context.body
        const existing = async () => (await internalAdapter.findUserByEmail(email))?.user
        const user =
          (await existing()) ??
          (await internalAdapter
            .createUser({ email, emailVerified: true, name: '' }, { method: 'server-sign-in' })
            .catch((error: unknown) => (error instanceof ConflictError ? existing() : Promise.reject(error))))
        if (!user) throw new ConflictError([])
        const session = await internalAdapter.createSession(user.id)
        await setSessionCookie(context, { session, user })
        return context.json({ signedIn: true })
      },
    ),
  },
}

/** The request as better-auth may see it, or the answer if it may not. */
async function prepare(request: Request, origin: string): Promise<Request | Response> {
  const { pathname } = new URL(request.url)
  const endpoint = `${request.method} ${pathname}`
  if (!Object.hasOwn(ENDPOINTS, endpoint)) return refuse(404, 'NOT_FOUND', 'There is no such endpoint')

  const headers = new Headers(request.headers)
  for (const name of ['content-length', 'content-encoding', 'transfer-encoding']) headers.delete(name)
  const schema = ENDPOINTS[endpoint]
  const init: RequestInit = { method: request.method, headers }
  if (schema) {
    // Other types can be sent by a form of any web site, without asking us first.
    if (!/^application\/json\s*(;|$)/i.test(headers.get('content-type') ?? '')) {
      return refuse(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json')
    }
    const text = await read(request)
    if (text === undefined) return refuse(413, 'PAYLOAD_TOO_LARGE', `The body is larger than ${BODY_BYTES} bytes`)
    const body = schema.safeParse(parseJson(text))
    if (!body.success) {
      const member = body.error.issues[0]?.path[0]
      if (member === 'email') return refuse(400, 'INVALID_EMAIL', 'Invalid email')
      if (member === 'otp') return refuse(400, INVALID_CODE.code, INVALID_CODE.message)
      return refuse(400, 'VALIDATION_ERROR', 'The body is not what this endpoint takes')
    }
    init.body = JSON.stringify(body.data)
  } else {
    headers.delete('content-type')
  }
  return new Request(new URL(pathname, origin), init)
}

function refuse(status: number, code: string, message: string): Response {
  return Response.json({ code, message }, { status })
}

/** The body's text; undefined when there is too much of it. */
async function read(request: Request): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of request.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > BODY_BYTES) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Only the cookies: no other header has a say in whose session it is. */
function cookies(headers: Headers): Headers {
  return new Headers({ cookie: headers.get('cookie') ?? '' })
}

function onlyCookies(headers: Headers): Headers {
  return new Headers(headers.getSetCookie().map((cookie): [string, string] => ['set-cookie', cookie]))
}

/** Failures only, by name: messages and arguments may hold what somebody typed. */
function logFailure(_level: string, message: string, ...details: unknown[]): void {
  const error = details.find((detail) => detail instanceof Error)
  if (!error) return
  const { name, cause, code } = error as Error & { code?: unknown }
  const reason = cause instanceof Error ? ` because of ${cause.name}` : ''
  console.error(`sign-in: ${message.replace(/\S+@\S+/g, '…')} (${name}${code ? ` ${code}` : ''}${reason})`)
}
