import { type SESv2Client, SendEmailCommand } from '@aws-sdk/client-sesv2'
import type { Mailer } from '@registratur/core/ports'
import { unavailable } from './errors.ts'

export interface MailerOptions {
  client: SESv2Client
  /** Sender, at a domain that SES has verified: `Archive <archive@example.org>` */
  from: string
}

const UTF8 = { Charset: 'UTF-8' }

/** Send each mail by SES. SES gives every mail a Message-ID of its own, so ours goes along in a header. */
export function sesMailer({ client, from }: MailerOptions): Mailer {
  return async ({ id, to, subject, text }) => {
    const command = new SendEmailCommand({
      FromEmailAddress: from,
      Destination: { ToAddresses: [to] },
      Content: {
        Simple: {
          Subject: { ...UTF8, Data: subject },
          Body: { Text: { ...UTF8, Data: text } },
          Headers: [
            // Nobody's holiday notice should answer a program.
            { Name: 'Auto-Submitted', Value: 'auto-generated' },
            { Name: 'X-Registratur-Mail', Value: id },
          ],
        },
      },
    })
    await client.send(command).catch(unavailable)
  }
}
