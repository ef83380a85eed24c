import * as z from 'zod'
import { allow } from './access.ts'
import type { Ctx } from './ctx.ts'
import { insert, type Row, update } from './item.ts'
import { changesOf, journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Table } from './ports.ts'
import { retrying } from './retry.ts'
import { FileName, fold, Line } from './text.ts'

export const Settings = z
  .object({
    /** The company whose archive this is. */
    company: z.string(),
    /** Folders that every new customer gets. */
    folderTemplate: z.array(z.string()),
  })
  .meta({ id: 'Settings' })
export type Settings = z.infer<typeof Settings>

export const SettingsPatch = z
  .strictObject({
    company: Line(200),
    folderTemplate: z
      .array(FileName)
      .min(1)
      .max(30)
      .refine((names) => new Set(names.map(fold)).size === names.length, 'has a name twice: leave one out'),
  })
  .partial()
  .meta({ id: 'SettingsPatch' })

type SettingsRow = Row<Settings>

const DEFAULTS: Settings = {
  company: 'Registratur',
  folderTemplate: ['Contracts', 'Quotes', 'Orders', 'Invoices', 'Correspondence'],
}

/** The same template for archives set up in German. */
export const GERMAN_TEMPLATE = ['Verträge', 'Angebote', 'Aufträge', 'Rechnungen', 'Schriftverkehr']

export async function settings(table: Table): Promise<Settings> {
  return settingsOf(await table.get<SettingsRow>(keys.settings))
}

function settingsOf(row: SettingsRow | undefined): Settings {
  return row ? { company: row.company, folderTemplate: row.folderTemplate } : DEFAULTS
}

/** @throws {ArchiveError} `forbidden` */
export function getSettings(ctx: Ctx): Promise<Settings> {
  allow(ctx, 'archive.manage')
  return settings(ctx.table)
}

/** @throws {ArchiveError} `forbidden` */
export function updateSettings(ctx: Ctx, patch: z.infer<typeof SettingsPatch>): Promise<Settings> {
  allow(ctx, 'archive.manage')
  return retrying(async () => {
    const row = await ctx.table.get<SettingsRow>(keys.settings)
    const before = settingsOf(row)
    const after = { ...before, ...patch }
    await ctx.table.transact([
      row ? update(row, patch) : insert(keys.settings, after),
      ...journal(ctx, 'settings.updated', {}, { changes: changesOf(before, patch) }),
    ])
    return after
  })
}
