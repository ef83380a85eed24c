import type { Ctx } from '@registratur/core/ctx'
import type { ArchiveError } from '@registratur/core/errors'

/** What the app gives to every page: the portal's only way to the archive. */
export interface PortalLocals {
  /** Who asks, and the archive as they may see it. */
  ctx: Ctx
  archive: {
    /** The company whose archive this is; absent before set-up. */
    name?: string
    /** Folder in which mail lies when no mail server is configured. */
    outbox?: string
    /** What contacts read on the portal: whom to ask. */
    contactEmail?: string
  }
  auth: {
    /** Send a one-time code, if the address may sign in. Says nothing about whether it may. */
    sendCode(email: string): Promise<void>
    /** Headers with the session's `Set-Cookie`; `undefined` when the code is wrong or used up. */
    signIn(email: string, code: string): Promise<Headers | undefined>
    /** Headers that end the session. */
    signOut(): Promise<Headers>
  }
  /** Only while the archive has no administrator. */
  setup?: {
    valid(token: string): boolean
    complete(input: SetupInput): Promise<Headers>
  }
  /** The HTTP status that a page about this error has. */
  statusOf(error: ArchiveError): number
  /** The API's OpenAPI 3.1 document. */
  openapi(): object
}

export interface SetupInput {
  token: string
  name: string
  email: string
  company: string
  /** Of the page it was filled in on: the template's folders get their names in it. */
  language: 'en' | 'de'
  /** Fill the archive with invented customers to click through. */
  demo: boolean
}
