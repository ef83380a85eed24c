import { z } from 'zod'
import { allow } from './access.ts'
import type { Ctx } from './ctx.ts'
import { type Row, SCHEMA } from './item.ts'
import { changesOf, journal } from './journal.ts'
import { keys } from './keys.ts'
import type { Table } from './ports.ts'
import { FileName, Line } from './text.ts'

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
  .strictObject({ company: Line(200), folderTemplate: z.array(FileName).min(1).max(30) })
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
  const row = await table.get<SettingsRow>(keys.settings)
  return row ? { company: row.company, folderTemplate: row.folderTemplate } : DEFAULTS
}

/** @throws {ArchiveError} `forbidden` */
export function getSettings(ctx: Ctx): Promise<Settings> {
  allow(ctx, 'archive.manage')
  return settings(ctx.table)
}

/** @throws {ArchiveError} `forbidden` */
export async function updateSettings(ctx: Ctx, patch: z.infer<typeof SettingsPatch>): Promise<Settings> {
  allow(ctx, 'archive.manage')
  const before = await settings(ctx.table)
  const after = { ...before, ...patch }
  const rev = (await ctx.table.get(keys.settings))?.rev ?? 0
  await ctx.table.transact([
    { put: { ...after, ...keys.settings, rev: rev + 1, v: SCHEMA }, if: rev === 0 ? 'absent' : { rev } },
    ...journal(ctx, 'settings.updated', {}, { changes: changesOf(before, patch) }),
  ])
  return after
}
