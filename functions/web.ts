/** Lambda: API and portal behind a function URL with response streaming. */
import { streamHandle } from 'hono/aws-lambda'
import { openAws } from './aws.ts'
import { webApp } from './web-app.ts'

export const handler = streamHandle(webApp(openAws(process.env), process.env))
