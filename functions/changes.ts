/** Lambda: the table's stream wakes the workers that need the table and the mailer. */
import { openAws } from './aws.ts'
import { jobsHandler } from './jobs.ts'

const aws = openAws(process.env)

export const handler = jobsHandler({ aws, kinds: ['mail', 'merge'], mailer: aws.mailer() })
