/// <reference types="astro/client" />

type PortalLocals = import('../locals.ts').PortalLocals

declare namespace App {
  interface Locals extends PortalLocals {
    /** Set by the portal's middleware. */
    locale: import('./messages/index.ts').Locale
    theme: import('./preferences.ts').Theme
    t: import('./messages/index.ts').Translate
    format: import('./format.ts').Format
    /** What the previous page has to say, shown once. */
    flash?: import('./flash.ts').Flash
    /** Why the asked page could not be shown. */
    problem?: import('@registratur/core/errors').ArchiveError
    /** It could not for a reason that nobody foresaw. */
    failed?: boolean
  }
}
