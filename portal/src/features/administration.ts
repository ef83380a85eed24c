import { createApiKey, NewApiKey, revokeApiKey } from '@registratur/core/api-key'
import type { Ctx } from '@registratur/core/ctx'
import { SettingsPatch, updateSettings } from '@registratur/core/settings'
import { inviteStaff, NewStaff, StaffPatch, updateStaff } from '@registratur/core/staff'
import type { Handlers } from '../form.ts'
import { paths } from '../paths.ts'

export function staffHandlers(ctx: Ctx): Handlers {
  const to = paths.staff
  return {
    invite: async (form) => {
      const input = NewStaff.parse({
        email: form.required('email'),
        name: form.required('name'),
        roles: form.all('roles'),
      })
      const { email } = await inviteStaff(ctx, input)
      return { to, flash: { key: 'staff.invited', params: { email } } }
    },
    save: async (form) => {
      const patch = StaffPatch.parse({ name: form.required('name'), roles: form.all('roles') })
      await updateStaff(ctx, form.required('member'), patch)
      return { to, flash: { key: 'form.saved' } }
    },
    deactivate: async (form) => {
      const { name } = await updateStaff(ctx, form.required('member'), { status: 'deactivated' })
      return { to, flash: { key: 'staff.deactivated', params: { name } } }
    },
    activate: async (form) => {
      const { name } = await updateStaff(ctx, form.required('member'), { status: 'active' })
      return { to, flash: { key: 'staff.activated', params: { name } } }
    },
  }
}

/** A key just made is shown in the answer itself, never after a redirect: it is seen once. */
export function keyHandlers(ctx: Ctx): Handlers {
  const to = paths.keys
  return {
    create: async (form) => {
      const input = NewApiKey.parse({ name: form.required('name'), roles: form.all('roles') })
      return { show: await createApiKey(ctx, input) }
    },
    revoke: async (form) => {
      await revokeApiKey(ctx, form.required('keyId'))
      return { to, flash: { key: 'keys.revoked' } }
    },
  }
}

export function settingsHandlers(ctx: Ctx): Handlers {
  return {
    save: async (form) => {
      const patch = { company: form.required('company'), folderTemplate: form.lines('folderTemplate') }
      await updateSettings(ctx, SettingsPatch.parse(patch))
      return { to: paths.settings, flash: { key: 'form.saved' } }
    },
  }
}
