import { NewCustomer } from '@registratur/core/customer-fields'
import { DocumentFields } from '@registratur/core/document'
import { RecordClass } from '@registratur/core/retention'
import { FileName } from '@registratur/core/text'
import { CsvError, parse } from 'csv-parse/sync'
import { COLUMNS, type Column, CUSTOMER_COLUMNS, FILE_COLUMNS } from './columns.ts'
import { dateIn } from './guess.ts'

type Fields = typeof DocumentFields.shape
type Field<K extends keyof Fields> = Fields[K]['_output']

/** What a row says of a file. */
export interface Listed {
  line: number
  recordClass?: Field<'recordClass'>
  title?: string
  number?: string
  documentDate?: string
  contractEnd?: string
  tags?: string[]
  status?: 'draft' | 'final'
  folder?: string[]
  fileName?: string
  versionOf?: string
}

export interface Manifest {
  /** By path. */
  files: Map<string, Listed>
  /** Who the customers are, by the name of their folder. */
  customers: Map<string, { line: number; data: NewCustomer }>
}

/** Something in the manifest is wrong. Nothing was imported. */
export class ManifestError extends Error {
  readonly problems: { line: number; message: string }[]

  constructor(problems: { line: number; message: string }[]) {
    super(`${problems.length} rows can’t be used`)
    this.problems = problems.sort((a, b) => a.line - b.line)
  }
}

type Row = Partial<Record<Column, string>>
interface NumberedRow {
  line: number
  row: Row
}

/**
 * Read a manifest: CSV in UTF-8 with a header row, separated by commas, semicolons or tabs.
 *
 * @throws {ManifestError} naming every row that can't be used
 */
export function readManifest(bytes: Uint8Array): Manifest {
  const problems: { line: number; message: string }[] = []
  const files = new Map<string, Listed>()
  const customers = new Map<string, { line: number; fields: Partial<Record<string, string>> }>()
  for (const { line, row } of rowsOf(textOf(bytes))) {
    const complain = (message: string) => problems.push({ line, message })
    const path = pathOf(row.path ?? '')
    const [folder = '', ...rest] = path.split('/')
    if (!folder) {
      complain('path is empty')
      continue
    }
    if (rest.length > 0) {
      const { listed, wrong } = listedOf(line, row)
      for (const message of wrong) complain(message)
      if (files.has(path)) complain(`${path} has a row already, in line ${files.get(path)?.line}`)
      else files.set(path, listed)
    } else if (FILE_COLUMNS.some((column) => row[column])) {
      complain(`${path} is a customer’s folder: fill in customer.… columns only, or name a file in it`)
    }
    const known = customers.get(folder)
    const { fields, differs } = joined(known?.fields ?? {}, row)
    for (const column of differs) complain(`customer.${column} differs from what an earlier row says of ${folder}`)
    if (Object.keys(fields).length > 0) customers.set(folder, { line: known?.line ?? line, fields })
  }
  const checked = new Map<string, { line: number; data: NewCustomer }>()
  for (const [folder, { line, fields }] of customers) {
    const result = NewCustomer.safeParse(customerOf(folder, fields))
    if (result.success) checked.set(folder, { line, data: result.data })
    for (const issue of result.error?.issues ?? []) problems.push({ line, message: complaintOf(issue, fields.type) })
  }
  if (problems.length > 0) throw new ManifestError(problems)
  return { files, customers: checked }
}

function textOf(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new ManifestError([{ line: 1, message: 'the file is not UTF-8: save it as “CSV UTF-8”' }])
  }
}

function rowsOf(text: string): NumberedRow[] {
  const header = text.slice(0, text.search(/[\r\n]|$/))
  const count = (char: string) => header.split(char).length
  const delimiter = [',', ';', '\t'].toSorted((a, b) => count(b) - count(a))[0]
  const [first, ...records] = recordsOf(text, delimiter)
  const columns = (first?.record ?? []).map(columnOf)
  const unknown = columns.flatMap((column, i) => (column ? [] : [first?.record[i] ?? '']))
  if (unknown.length > 0) {
    const names = unknown.map((name) => `“${name}”`).join(', ')
    throw new ManifestError([{ line: 1, message: `unknown columns ${names}; known are ${COLUMNS.join(', ')}` }])
  }
  const twice = columns.find((column, i) => columns.indexOf(column) !== i)
  if (twice) throw new ManifestError([{ line: 1, message: `the column ${twice} occurs twice` }])
  if (!columns.includes('path')) throw new ManifestError([{ line: 1, message: 'there is no column named path' }])
  const uneven = records.filter(({ record }) => record.length !== columns.length)
  if (uneven.length > 0) {
    throw new ManifestError(
      uneven.map(({ line, record }) => ({
        line,
        message: `has ${record.length} fields where the header has ${columns.length}: quote what contains separators`,
      })),
    )
  }
  return records.map(({ line, record }) => ({ line, row: rowOf(columns as Column[], record) }))
}

function recordsOf(text: string, delimiter: string | undefined): { line: number; record: string[] }[] {
  try {
    const options = { bom: true, delimiter, relax_column_count: true, skip_empty_lines: true, trim: true } as const
    const parsed = parse(text, { ...options, info: true, raw: true }) as unknown as {
      info: { lines: number }
      raw: string
      record: string[]
    }[]
    return parsed
      .map(({ info, raw, record }) => ({ line: info.lines - (raw.trim().match(/\r\n|\n|\r/g)?.length ?? 0), record }))
      .filter(({ record }) => record.some(Boolean))
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = Number(error.lines ?? 1)
    throw new ManifestError([{ line, message: `is not CSV: ${error.message}` }])
  }
}

const columnOf = (name: string) => COLUMNS.find((column) => column.toLowerCase() === name.toLowerCase())

function rowOf(columns: Column[], record: string[]): Row {
  const filled = columns.flatMap((column, i) => (record[i] ? [[column, unescaped(record[i])] as const] : []))
  return Object.fromEntries(filled)
}

/** Exports put an apostrophe before what a spreadsheet would take for a formula. */
const unescaped = (value: string) => value.replace(/^'(?=[=+\-@\t\r])/, '')

function pathOf(given: string): string {
  const path = given.includes('/') ? given : given.replaceAll('\\', '/')
  return path.normalize('NFC').replace(/^(\.\/)+|\/+$/g, '')
}

const list = (text: string) =>
  text
    .split(';')
    .map((item) => item.trim())
    .filter(Boolean)

function listedOf(line: number, row: Row): { listed: Listed; wrong: string[] } {
  const wrong: string[] = []
  const check = <K extends keyof Fields>(field: K, value: unknown): Field<K> | undefined => {
    if (value === undefined) return undefined
    const { data, error } = DocumentFields.shape[field].safeParse(value)
    const reason = field === 'recordClass' ? `is none of: ${RecordClass.options.join(', ')}` : error?.issues[0]?.message
    if (error) wrong.push(`${field} ${reason}`)
    return data as Field<K> | undefined
  }
  const names = (row.folder?.split('/') ?? []).concat(row.fileName ?? [])
  for (const name of names) {
    const { error } = FileName.safeParse(name)
    if (error) wrong.push(`${name === row.fileName ? 'fileName' : 'folder'} ${error.issues[0]?.message}`)
  }
  const listed = {
    line,
    recordClass: check('recordClass', row.recordClass),
    title: check('title', row.title),
    number: check('number', row.number),
    documentDate: check('documentDate', row.documentDate && dateOf(row.documentDate)),
    contractEnd: check('contractEnd', row.contractEnd && dateOf(row.contractEnd)),
    tags: check('tags', row.tags && list(row.tags)),
    status: statusOf(row.status, wrong),
    folder: row.folder?.split('/'),
    fileName: row.fileName,
    versionOf: row.versionOf,
  }
  return { listed, wrong }
}

function statusOf(given: string | undefined, wrong: string[]): Listed['status'] {
  if (given === undefined || given === 'draft' || given === 'final') return given
  wrong.push('status is neither draft nor final')
  return undefined
}

/** Spreadsheets like to turn 2024-01-31 into 31.01.2024. */
const dateOf = (text: string) => (/^\d\d?\.\d\d?\.\d{4}$/.test(text) && dateIn(text)) || text

/** Rows may repeat what is said of a customer, or leave it out; they may not contradict each other. */
function joined(before: Partial<Record<string, string>>, row: Row) {
  const fields = { ...before }
  const differs: string[] = []
  for (const column of CUSTOMER_COLUMNS) {
    const value = row[`customer.${column}`]
    if (!value) continue
    if (fields[column] !== undefined && fields[column] !== value) differs.push(column)
    else fields[column] = value
  }
  return { fields, differs }
}

/** @param folder  whose name is the customer's where no column gives one */
function customerOf(folder: string, fields: Partial<Record<string, string>>): unknown {
  const { type = 'company', name, roles, emails, domains, phones, street, postalCode, city, country, ...rest } = fields
  const address = Object.entries({ street, postalCode, city, country }).filter(([, value]) => value)
  const lists = Object.entries({ roles, emails, domains, phones }).flatMap(([field, value]) =>
    value ? [[field, list(value)]] : [],
  )
  return {
    type,
    ...(type === 'company' ? { name: name ?? customerFolder(folder).name } : name !== undefined && { name }),
    ...rest,
    ...Object.fromEntries(lists),
    ...(address.length > 0 && { address: Object.fromEntries(address) }),
  }
}

type Issue = NonNullable<ReturnType<typeof NewCustomer.safeParse>['error']>['issues'][number]

function complaintOf(issue: Issue, type = 'company'): string {
  if (issue.code === 'unrecognized_keys') return `customer.${issue.keys[0]} does not go with a ${type}`
  const [field, ...within] = issue.path
  return `customer.${String(field === 'address' ? within[0] : field)} ${issue.message}`
}

/** @example customerFolder('CUS-0007 Muster GmbH') // { number: 'CUS-0007', name: 'Muster GmbH' } */
export function customerFolder(folder: string): { number?: string; name: string } {
  const [, number, name] = folder.match(/^(CUS-\d{4,12})(?:\s+(.*))?$/i) ?? []
  return number ? { number: number.toUpperCase(), name: name || number } : { name: folder }
}
