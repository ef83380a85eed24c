import { SESv2Client } from '@aws-sdk/client-sesv2'
import { type ClientOptions, configured } from './client.ts'

/** The mailer's client. */
export function ses(options: ClientOptions): SESv2Client {
  return new SESv2Client(configured(options, 'ses'))
}
