import { createHash } from 'node:crypto'
import { mkdir, open, readdir, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Mail, Mailer } from '@registratur/core/ports'
import { createTransport } from 'nodemailer'
import addressparser from 'nodemailer/lib/addressparser'
import MimeNode from 'nodemailer/lib/mime-node'
import { syncFolder } from './files.ts'

const OUTBOX_FROM = 'Registratur <registratur@localhost>'

/** Nobody's holiday notice should answer a program. */
const AUTOMATIC = { 'Auto-Submitted': 'auto-generated' }

/**
 * Write each mail to a file of its own, for somebody to read there. The names sort by time; a file appears whole; a
 * mail sent again makes no second one.
 *
 * @param dir  the folder; created when it is not there
 */
export function outboxMailer(dir: string, now: () => Date = () => new Date()): Mailer {
  let last = 0
  let turn: Promise<unknown> = Promise.resolve()

  async function write(mail: Mail): Promise<void> {
    await mkdir(dir, { recursive: true, mode: 0o700 })
    const ending = `-${fileNameOf(mail.id)}.eml`
    const isThere = (name: string) => name.slice(STAMP_LENGTH) === ending && STAMP.test(name)
    if ((await readdir(dir)).some(isThere)) return
    // Two mails of one millisecond keep their order.
    last = Math.max(now().getTime(), last + 1)
    const name = `${stamp(new Date(last))}${ending}`
    const unfinished = join(dir, `.${name}.part`)
    const file = await open(unfinished, 'w', 0o600)
    try {
      await file.writeFile(messageOf(mail, new Date(last)))
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(unfinished, join(dir, name))
    await syncFolder(dir)
  }

  return (mail) => {
    const written = turn.then(() => write(mail))
    turn = written.catch(() => {})
    return written
  }
}

export interface SmtpOptions {
  /** `smtps://user:password@mail.example.org`, `smtp://localhost:25` */
  url: string
  /** Sender: `Archive <archive@example.org>` */
  from: string
}

/** Send each mail by SMTP. A mail sent again carries the same Message-ID, by which receivers may know it. */
export function smtpMailer({ url, from }: SmtpOptions): Mailer {
  const domain = domainOf(from)
  const transport = createTransport({
    url,
    connectionTimeout: 10_000,
    greetingTimeout: 10_000,
    socketTimeout: 30_000,
    disableFileAccess: true,
    disableUrlAccess: true,
  })
  return async ({ id, to, subject, text }) => {
    await transport.sendMail({
      from,
      to,
      subject,
      text,
      messageId: `<${fileNameOf(id)}@${domain}>`,
      headers: AUTOMATIC,
    })
  }
}

const STAMP = /^\d{8}T\d{9}Z/
const STAMP_LENGTH = '20260102T030405678Z'.length

function stamp(time: Date): string {
  return time.toISOString().replace(/[-:.]/g, '')
}

/** An id as it is, if it can be part of a file name and of an address. */
function fileNameOf(id: string): string {
  return /^[A-Za-z0-9_-]{1,100}$/.test(id) ? id : createHash('sha256').update(id).digest('hex')
}

function domainOf(address: string): string {
  const [first] = addressparser(address, { flatten: true })
  return first?.address.split('@')[1] || 'localhost'
}

/** A message (RFC 5322) with its text as it is, in UTF-8 and with line feeds: anybody can read the file. */
function messageOf({ id, to, subject, text }: Mail, date: Date): string {
  const node = new MimeNode('text/plain; charset=utf-8')
  node.setHeader({
    From: OUTBOX_FROM,
    To: to,
    Subject: subject,
    'Message-ID': `<${fileNameOf(id)}@localhost>`,
    Date: date.toUTCString().replace('GMT', '+0000'),
    ...AUTOMATIC,
    'Content-Transfer-Encoding': '8bit',
  })
  return `${node.buildHeaders()}\n\n${text}\n`.replaceAll('\r\n', '\n')
}
