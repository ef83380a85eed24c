/**
 * The CDK app of the vault stack: `npm run synth`, or what `cdk deploy` runs.
 *
 * Context: stage (production) · origin (https://archive.example)
 */
import { App, Validations } from 'aws-cdk-lib'
import { AwsSolutionsChecks } from 'cdk-nag'
import { VaultStack } from './vault.ts'

const app = new App({ outdir: process.env.CDK_OUTDIR ?? 'cdk.out', analyticsReporting: false, treeMetadata: false })
const stage: string = app.node.tryGetContext('stage') ?? 'production'
const origin: string = app.node.tryGetContext('origin') ?? 'https://archive.example'

new VaultStack(app, 'Vault', { stackName: `registratur-${stage}-vault`, stage, origin })
Validations.of(app).addPlugins(new AwsSolutionsChecks(app, { verbose: true }))
app.synth()
