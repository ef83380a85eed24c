/** What the vault stack hands to the app, and nothing comes back: names and ARNs as SSM parameters of the stage. */
export const PARAMETERS = [
  'documents-bucket',
  'staging-bucket',
  'journal-bucket',
  'table-name',
  'table-arn',
  'table-stream-arn',
  'data-key-arn',
  'signing-key-arn',
] as const
export type Parameter = (typeof PARAMETERS)[number]

/** @example parameterName('production', 'table-name') // /registratur/production/vault/table-name */
export function parameterName(stage: string, parameter: Parameter): string {
  return `/registratur/${stage}/vault/${parameter}`
}
