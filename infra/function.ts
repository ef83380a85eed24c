import { account, stage } from './names.ts'
import { type Permission, trace } from './permissions.ts'

type Args = Omit<sst.aws.FunctionArgs, 'permissions' | 'logging' | 'runtime' | 'architecture' | 'transform'>

interface ArchiveFunctionArgs extends Args {
  permissions: Permission[]
}

/**
 * One function with exactly the given rights and its own log group, and none of the rights a function usually gets.
 */
export function archiveFunction(name: string, { permissions, environment, ...args }: ArchiveFunctionArgs) {
  const logs = new aws.cloudwatch.LogGroup(`${name}Logs`, {
    name: `/registratur/${$app.stage}/${name.toLowerCase()}`,
    retentionInDays: 90,
  })
  const writeLogs = {
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [
      $interpolate`arn:aws:logs:${stage.region}:${account}:log-group:/registratur/${$app.stage}/${name.toLowerCase()}:*`,
    ],
  }
  const fn = new sst.aws.Function(name, {
    ...args,
    runtime: 'nodejs24.x',
    architecture: 'arm64',
    nodejs: { minify: true, splitting: true, ...args.nodejs },
    logging: { format: 'json', logGroup: logs.name },
    environment: { NODE_OPTIONS: '--enable-source-maps', ...environment },
    permissions: [...permissions, writeLogs, ...trace()],
    transform: {
      role: (role) => {
        // Instead of the managed policy, which may write any log of the account.
        role.managedPolicyArns = []
        // SST lets every principal of the account that may assume roles take a function's.
        role.assumeRolePolicy = aws.iam.assumeRolePolicyForPrincipal({ Service: 'lambda.amazonaws.com' })
      },
      function: (input) => {
        input.tracingConfig = { mode: 'Active' }
      },
    },
  })
  functions.push({ name, fn })
  return fn
}

/** All of them, for the alarms. */
export const functions: { name: string; fn: sst.aws.Function }[] = []
