import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { outboxMailer, smtpMailer } from './mailer.ts'

const mail = {
  id: 'job_01JABC',
  to: 'ada@example.org',
  subject: 'Ihr Anmeldecode für Müller & Söhne',
  text: 'Guten Tag,\n\nhier ist der Code für Sie:\n\n482913\n\nGrüße\n',
}

describe('outbox', () => {
  let dir: string
  beforeEach(async () => {
    dir = join(await mkdtemp(join(tmpdir(), 'registratur-')), 'outbox')
  })
  afterEach(() => rm(join(dir, '..'), { recursive: true }))

  const read = async () => Promise.all((await readdir(dir)).toSorted().map((name) => readFile(join(dir, name), 'utf8')))

  it('writes a message with its code alone on a line', async () => {
    await outboxMailer(dir, () => new Date('2026-03-04T05:06:07.089Z'))(mail)
    expect(await readdir(dir)).toEqual(['20260304T050607089Z-job_01JABC.eml'])
    const [message = ''] = await read()
    const [head = '', ...body] = message.split('\n\n')
    // A long header goes on after a space.
    expect(head.replaceAll('\n ', ' ').split('\n').toSorted()).toEqual([
      'Auto-Submitted: auto-generated',
      'Content-Transfer-Encoding: 8bit',
      'Content-Type: text/plain; charset=utf-8',
      'Date: Wed, 04 Mar 2026 05:06:07 +0000',
      'From: Registratur <registratur@localhost>',
      'MIME-Version: 1.0',
      'Message-ID: <job_01JABC@localhost>',
      expect.stringMatching(/^Subject: =\?UTF-8\?Q\?/),
      'To: ada@example.org',
    ])
    expect(body.join('\n\n')).toBe(`${mail.text}\n`)
    expect(message.split('\n')).toContain('482913')
    expect((await stat(join(dir, '20260304T050607089Z-job_01JABC.eml'))).mode & 0o777).toBe(0o600)
  })

  it('keeps the order of what is sent at once, in the file names', async () => {
    const send = outboxMailer(dir, () => new Date(0))
    await Promise.all(Array.from({ length: 20 }, (_, n) => send({ ...mail, id: `z${99 - n}`, text: `mail ${n}` })))
    const texts = (await read()).map((message) => /mail \d+/.exec(message)?.[0])
    expect(texts).toEqual(Array.from({ length: 20 }, (_, n) => `mail ${n}`))
  })

  it('writes the same mail once, also after a restart', async () => {
    await outboxMailer(dir)(mail)
    const again = outboxMailer(dir)
    await Promise.all([again(mail), again(mail)])
    expect(await readdir(dir)).toHaveLength(1)
    await again({ ...mail, id: 'B' })
    await again({ ...mail, id: '01JABC' })
    expect(await readdir(dir)).toHaveLength(3)
  })

  it('lets neither an id nor a subject lead astray', async () => {
    const send = outboxMailer(dir)
    await send({ ...mail, id: '../../../etc/x', subject: 'a\r\nBcc: eve@example.org\r\n\r\nbody' })
    const [name] = await readdir(dir)
    expect(name).toMatch(/^\d{8}T\d{9}Z-[0-9a-f]{64}\.eml$/)
    const [message = ''] = await read()
    expect(message).not.toMatch(/^Bcc:/m)
  })

  it('goes on after a mail that could not be written', async () => {
    await writeFile(dir, 'in the way')
    const send = outboxMailer(dir)
    await expect(send(mail)).rejects.toThrow()
    await rm(dir)
    await send(mail)
    expect(await readdir(dir)).toHaveLength(1)
  })
})

describe('SMTP', () => {
  let server: SMTPServer
  afterEach(() => new Promise<void>((resolve) => server.close(() => resolve())))

  async function listen(options: SMTPServerOptions): Promise<string> {
    server = new SMTPServer({ disabledCommands: ['STARTTLS'], authOptional: true, ...options })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `127.0.0.1:${(server.server.address() as AddressInfo).port}`
  }

  it('delivers a mail', async () => {
    const received: { from: unknown; to: string[]; user: unknown; message: string }[] = []
    const address = await listen({
      onAuth: ({ username, password }, _session, done) =>
        password === 'secret' ? done(null, { user: username }) : done(new Error('no')),
      onData: (stream, { envelope, user }, done) => {
        let message = ''
        stream.on('data', (chunk) => {
          message += chunk
        })
        stream.on('end', () => {
          const from = envelope.mailFrom ? envelope.mailFrom.address : undefined
          received.push({ from, to: envelope.rcptTo.map((to) => to.address), user, message })
          done()
        })
      },
    })
    const send = smtpMailer({ url: `smtp://archive:secret@${address}`, from: 'Archiv <archiv@example.org>' })
    await send({ ...mail, text: `${mail.text}\n.\n..\nend` })
    expect(received).toHaveLength(1)
    expect(received[0]).toMatchObject({ from: 'archiv@example.org', to: ['ada@example.org'], user: 'archive' })
    const message = received[0]?.message ?? ''
    expect(message).toMatch(/^Message-ID: <job_01JABC@example\.org>\r$/im)
    expect(message).toMatch(/^Auto-Submitted: auto-generated\r$/m)
    expect(message.split('\r\n')).toEqual(expect.arrayContaining(['482913', '.', '..', 'end']))
  })

  it('fails when the server refuses', async () => {
    const address = await listen({
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('unknown'), { responseCode: 550 })),
    })
    await expect(smtpMailer({ url: `smtp://${address}`, from: 'a@example.org' })(mail)).rejects.toThrow(/550|unknown/)
  })
})
