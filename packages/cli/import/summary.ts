import { bytes, counted, duration, printable } from '../text.ts'
import type { Remark } from './walk.ts'

/** What an import did. This is what `--json` prints. */
export interface Summary {
  customers: { created: number; found: number; list: { id: string; name: string; created: boolean }[] }
  folders: { created: number }
  documents: { filed: number; bytes: number }
  alreadyThere: number
  duplicates: { path: string; of: string }[]
  skipped: Remark[]
  notImported: Remark[]
  /** Files that were not looked at because the import was interrupted or the archive went away. */
  notReached: number
  interrupted: boolean
  seconds: number
}

/** For people. Everything that was not imported is named. */
export function textOf(summary: Summary): string {
  const { customers, folders, documents, alreadyThere, duplicates, skipped, notImported, notReached } = summary
  const rate = summary.seconds > 0 ? `, ${(documents.filed / summary.seconds).toFixed(1)} a second` : ''
  return [
    `Documents   ${counted(documents.filed, 'document')} filed, ${bytes(documents.bytes)}${documents.filed ? rate : ''}`,
    `            ${counted(alreadyThere, 'file')} already there, ${counted(duplicates.length, 'duplicate')}`,
    `Customers   ${customers.created} created, ${customers.found} found`,
    `Folders     ${folders.created} created`,
    `Time        ${duration(summary.seconds)}`,
    ...section('Duplicates of other files', duplicates, ({ path, of }) => `${path}: same bytes as ${of}`),
    ...section('Skipped', skipped, ({ path, reason }) => `${path}: ${reason}`),
    ...section('Not imported', notImported, ({ path, reason }) => `${path}: ${reason}`),
    ...(notReached > 0
      ? ['', `${counted(notReached, 'file')} not reached. The same command goes on where it stopped.`]
      : []),
    '',
  ].join('\n')
}

function section<T>(title: string, items: T[], line: (item: T) => string): string[] {
  if (items.length === 0) return []
  return ['', `${title} (${items.length})`, ...items.map((item) => `  ${printable(line(item))}`)]
}
