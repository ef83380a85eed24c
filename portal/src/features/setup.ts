import type { PortalLocals } from '../../locals.ts'
import type { Handlers } from '../form.ts'
import type { Locale } from '../messages/index.ts'
import { paths } from '../paths.ts'

export function setupHandlers(setup: NonNullable<PortalLocals['setup']>, token: string, language: Locale): Handlers {
  return {
    save: async (form) => {
      const demo = form.text('demo') === 'yes'
      const [name, email, company] = [form.required('name'), form.required('email'), form.required('company')]
      const headers = await setup.complete({ token, name, email, company, language, demo })
      return { to: paths.home, flash: { key: demo ? 'setup.doneDemo' : 'setup.done' }, headers }
    },
  }
}
