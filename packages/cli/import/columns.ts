/** What a manifest may say of a file, beside its `path`. */
export const FILE_COLUMNS = [
  'recordClass',
  'title',
  'number',
  'documentDate',
  'contractEnd',
  'tags',
  'status',
  'folder',
  'fileName',
  'versionOf',
] as const

/** What it may say of a customer that is not in the archive yet. */
export const CUSTOMER_COLUMNS = [
  'type',
  'name',
  'firstName',
  'lastName',
  'salutation',
  'registerNumber',
  'roles',
  'vatId',
  'emails',
  'domains',
  'phones',
  'street',
  'postalCode',
  'city',
  'country',
  'language',
  'notes',
] as const

export const COLUMNS = ['path', ...FILE_COLUMNS, ...CUSTOMER_COLUMNS.map((column) => `customer.${column}` as const)]
export type Column = (typeof COLUMNS)[number]
