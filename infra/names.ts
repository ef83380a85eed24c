import { type Parameter, parameterName } from './parameters.ts'
import { settings } from './settings.ts'

const of = (parameter: Parameter) => aws.ssm.getParameterOutput({ name: parameterName($app.stage, parameter) }).value

/** What the vault stack has; the app reads it and never creates or changes any of it. */
export const documents = of('documents-bucket')
export const staging = of('staging-bucket')
export const table = { name: of('table-name'), arn: of('table-arn'), stream: of('table-stream-arn') }
export const dataKey = of('data-key-arn')

export const stage = settings()
export const url = `https://${stage.domain}`
export const account = aws.getCallerIdentityOutput({}).accountId
