/** Lambda: the table's stream wakes the workers that need the table and the mailer. */
import { sesMailer } from '@registratur/aws/mailer'
import { ses } from '@registratur/aws/ses'
import { need, openAws } from './aws.ts'
import { jobsHandler } from './jobs.ts'

const aws = openAws(process.env)

const mailer = sesMailer({ client: ses(aws.options), from: need(process.env, 'REGISTRATUR_MAIL_FROM') })

export const handler = jobsHandler({ aws, kinds: ['mail', 'merge'], mailer })
