/** Lambda: the table's stream, jobs that lengthen locks. The only function that may. */
import { openAws } from './aws.ts'
import { jobsHandler } from './jobs.ts'

export const handler = jobsHandler({ aws: openAws(process.env), kinds: ['lock'] })
