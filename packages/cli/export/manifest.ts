import type { Customer } from '@registratur/core/customer-fields'
import { stringify } from 'csv-stringify/sync'
import { COLUMNS, type Column } from '../import/columns.ts'
import type { Plan } from './plan.ts'

type Row = Partial<Record<Column, string>>

/** The manifest with which `import` files all of this again as it was. */
export function manifestOf(customer: Customer, { top, documents }: Plan): string {
  const rows: Row[] = [{ path: top, ...customerRow(customer) }]
  for (const { document, main, folder, path, versions } of documents) {
    rows.push({
      path,
      recordClass: document.recordClass,
      title: document.title,
      number: document.number,
      documentDate: document.documentDate,
      contractEnd: document.contractEnd,
      tags: document.tags.join(';'),
      status: main.status,
      folder: folder.join('/'),
      fileName: main.fileName,
    })
    for (const version of versions.slice(1))
      rows.push({ path: version.path, fileName: version.fileName, versionOf: path })
  }
  // With a byte order mark, or spreadsheets take it for another encoding.
  return `\ufeff${stringify(rows, { header: true, columns: [...COLUMNS], escape_formulas: true })}`
}

function customerRow(customer: Customer): Row {
  const { type, name, address, roles, emails, domains, phones } = customer
  const row: Row = {
    'customer.type': type,
    'customer.name': type === 'company' ? name : undefined,
    'customer.firstName': customer.firstName,
    'customer.lastName': customer.lastName,
    'customer.salutation': customer.salutation,
    'customer.registerNumber': customer.registerNumber,
    'customer.roles': roles.join(';'),
    'customer.vatId': customer.vatId,
    'customer.emails': emails.join(';'),
    'customer.domains': domains.join(';'),
    'customer.phones': phones.join(';'),
    'customer.street': address?.street,
    'customer.postalCode': address?.postalCode,
    'customer.city': address?.city,
    'customer.country': address?.country,
    'customer.language': customer.language,
    'customer.notes': customer.notes,
  }
  return row
}
