/**
 * Runs the SST app without AWS: pulumi's mocks stand in for the engine, a small server for what SST's own program
 * answers. Prints every resource as JSON. Bundled and started by `prepare.ts`; see there.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import * as pulumi from '@pulumi/pulumi'

const [root = '.', output = 'resources.json'] = process.argv.slice(2)
const REGION = 'eu-central-1'
const ACCOUNT = '123456789012'

interface Seen {
  type: string
  name: string
  // biome-ignore lint/suspicious/noExplicitAny: whatever pulumi was given
  inputs: any
}
const seen: Seen[] = []
const failures: string[] = []
const handlers: Record<string, string> = {}
process.on('unhandledRejection', (error) => {
  failures.push(String(error instanceof Error ? error.stack : error))
})

/** What SST's program would answer to its components; a function's build is an empty file. */
const answers: Record<string, (params: { functionID?: string; handler?: string }) => object> = {
  'Provider.Aws.Bootstrap': () => ({ asset: 'assets', assetEcrRegistryId: '1', assetEcrUrl: 'ecr', state: 'state' }),
  'Runtime.Build': ({ functionID = '', handler = '' }) => {
    handlers[functionID] = handler
    const out = join(root, '.sst/mock-artifact')
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'empty.mjs'), 'export const handler = () => {}\n')
    return { handler: 'empty.handler', out, errors: [], sourcemaps: [] }
  },
}
const server = createServer(async (request, response) => {
  let body = ''
  for await (const chunk of request) body += chunk
  const { method, params, id } = JSON.parse(body)
  const call = Array.isArray(params) ? params[0] : params
  response.end(JSON.stringify({ id, result: answers[method]?.(call ?? {}) ?? {}, error: null }))
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
process.env.SST_SERVER = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

const arnOf = ({ type, name, inputs }: Seen): string => {
  const [service = ''] = type.replace(/^aws:/, '').split('/')
  return `arn:aws:${service}:${REGION}:${ACCOUNT}:${inputs.name ?? name}`
}
pulumi.runtime.setMocks(
  {
    newResource: ({ type, name, inputs }) => {
      seen.push({ type, name, inputs })
      const state = {
        ...inputs,
        arn: arnOf({ type, name, inputs }),
        name: inputs.name ?? name,
        url: `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${name}`,
        functionUrl: `https://${name.toLowerCase()}.lambda-url.${REGION}.on.aws/`,
        domainName: `${name.toLowerCase()}.cloudfront.example`,
        bucketRegionalDomainName: `${name.toLowerCase()}.s3.${REGION}.amazonaws.com`,
        base64: Buffer.alloc(32).toString('base64'),
        result: `secret-of-${name}`,
        domainValidationOptions: [
          {
            domainName: inputs.domainName,
            resourceRecordName: `_proof.${inputs.domainName}`,
            resourceRecordType: 'CNAME',
            resourceRecordValue: '_proof.acm-validations.aws',
          },
        ],
      }
      return { id: `${name}-id`, state }
    },
    call: ({ token, inputs }) => {
      if (token === 'aws:ssm/getParameter:getParameter') return { ...inputs, value: parameterValue(inputs.name) }
      return {
        ...inputs,
        accountId: ACCOUNT,
        region: REGION,
        name: inputs.name ?? REGION,
        partition: 'aws',
        dnsSuffix: 'amazonaws.com',
        json: JSON.stringify(inputs),
      }
    },
  },
  'registratur',
  'test',
  false,
)

/** As the vault stack would have written it. */
function parameterValue(name: string): string {
  const parameter = name.split('/').at(-1) ?? ''
  const table = `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/the-table`
  const values: Record<string, string> = {
    'documents-bucket': 'the-documents',
    'staging-bucket': 'the-staging',
    'table-name': 'the-table',
    'table-arn': table,
    'table-stream-arn': `${table}/stream/2026-01-01T00:00:00.000`,
    'data-key-arn': `arn:aws:kms:${REGION}:${ACCOUNT}:key/data`,
  }
  const value = values[parameter]
  if (!value || name !== `/registratur/test/vault/${parameter}`) throw new Error(`no parameter ${name}`)
  return value
}

const globals = globalThis as Record<string, unknown>
const app = { name: 'registratur', stage: 'test', removal: 'remove', protect: false, providers: {} }
Object.assign(globals, {
  $app: app,
  $cli: {
    command: 'deploy',
    dev: false,
    paths: { home: '.', root, work: join(root, '.sst'), platform: join(root, '.sst/platform') },
    state: { version: {} },
  },
  $dev: false,
  $util: pulumi,
  $output: pulumi.output,
  $resolve: pulumi.all,
  $interpolate: pulumi.interpolate,
  $concat: pulumi.concat,
  $jsonStringify: pulumi.jsonStringify,
  $jsonParse: pulumi.jsonParse,
  $config: (config: unknown) => config,
})
// SST's sources read the globals above while they load.
globals.aws = await import('@pulumi/aws')
globals.random = await import('@pulumi/random')
globals.sst = await import('../../.sst/platform/src/components/index.ts')
const { $transform, $asset } = await import('../../.sst/platform/src/components/component.ts')
Object.assign(globals, { $transform, $asset })

const { run } = await import('../../.sst/platform/src/auto/run.ts')
const { default: config } = await import('../../sst.config.ts')
const appArgs = await (config as { app(input: object): Promise<object> }).app({ stage: 'production' })
const outputs = await pulumi.runtime
  .runInPulumiStack(async () => run((config as { run(): Promise<Record<string, unknown>> }).run))
  .catch((error) => {
    failures.push(String(error?.stack ?? error))
  })
await settled()
server.close()
writeFileSync(
  output,
  JSON.stringify({ app: appArgs, outputs: await plain(outputs ?? {}), resources: seen, handlers, failures }),
)
process.exit(failures.length ? 1 : 0)

/** Components register further resources as outputs resolve; nobody says when the last one did. */
async function settled(): Promise<void> {
  for (let quiet = 0, before = -1; quiet < 5; before = seen.length) {
    await new Promise((resolve) => setTimeout(resolve, 200))
    quiet = seen.length === before ? quiet + 1 : 0
  }
}

function plain(outputs: Record<string, unknown>): Promise<unknown> {
  return new Promise((resolve) => {
    pulumi.all(outputs).apply(resolve)
  })
}
