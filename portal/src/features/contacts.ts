import { addContact, ContactPatch, inviteContact, NewContact, updateContact } from '@registratur/core/contact'
import type { Ctx } from '@registratur/core/ctx'
import type { Form, Handlers } from '../form.ts'
import { paths } from '../paths.ts'

const OPTIONAL = ['salutation', 'position', 'email', 'phone', 'language'] as const

function contactInput(form: Form) {
  const optional = Object.fromEntries(OPTIONAL.map((field) => [field, form.text(field)]))
  return { firstName: form.required('firstName'), lastName: form.required('lastName'), ...optional }
}

export function contactHandlers(ctx: Ctx, customerId: string): Handlers {
  const to = paths.contacts(customerId)
  const portal = async (form: Form, portal: 'open' | 'blocked') => {
    await updateContact(ctx, customerId, form.required('contactId'), { portal })
    return { to, flash: { key: portal === 'open' ? 'contact.opened' : 'contact.blocked' } as const }
  }
  return {
    add: async (form) => {
      const { firstName, lastName } = await addContact(ctx, customerId, NewContact.parse(contactInput(form)))
      return { to, flash: { key: 'contact.added', params: { name: `${firstName} ${lastName}` } } }
    },
    save: async (form) => {
      const cleared = OPTIONAL.map((field) => [field, form.text(field) ?? null])
      const patch = ContactPatch.parse({ ...contactInput(form), ...Object.fromEntries(cleared) })
      await updateContact(ctx, customerId, form.required('contactId'), patch, Number(form.text('rev')) || undefined)
      return { to, flash: { key: 'form.saved' } }
    },
    invite: async (form) => {
      const { email } = await inviteContact(ctx, customerId, form.required('contactId'))
      return { to, flash: { key: 'contact.invited', params: { email: email ?? '' } } }
    },
    block: (form) => portal(form, 'blocked'),
    open: (form) => portal(form, 'open'),
  }
}
