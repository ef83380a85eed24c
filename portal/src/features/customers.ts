import type { Ctx } from '@registratur/core/ctx'
import { createCustomer, updateCustomer } from '@registratur/core/customer'
import { type Customer, CustomerPatch, CustomerRole, NewCustomer } from '@registratur/core/customer-fields'
import type { CustomerQuery } from '@registratur/core/directory'
import type { Form, Handlers } from '../form.ts'
import { paths } from '../paths.ts'

const FILTERS = {
  type: ['company', 'person'],
  role: CustomerRole.options,
  status: ['active', 'archived'],
  sort: ['name', 'created', 'number'],
  order: ['asc', 'desc'],
} as const

/** What a list's address asks for; what makes no sense is left out. */
export function customerQuery(search: URLSearchParams): CustomerQuery {
  const query: Record<string, string> = {}
  for (const [name, values] of Object.entries(FILTERS)) {
    const value = search.get(name)
    if (value && (values as readonly string[]).includes(value)) query[name] = value
  }
  const text = search.get('search')?.trim().slice(0, 200)
  const cursor = search.get('cursor')
  return { ...query, ...(text && { search: text }), ...(cursor && { cursor }) }
}

/** What a person entered, as the schema takes it: empty fields are absent. */
export function customerInput(form: Form): Record<string, unknown> {
  const type = form.text('type') === 'person' ? 'person' : 'company'
  const address = {
    street: form.text('address.street'),
    postalCode: form.text('address.postalCode'),
    city: form.text('address.city'),
    country: form.text('address.country')?.toUpperCase(),
  }
  const named =
    type === 'company'
      ? { name: form.required('name'), registerNumber: form.text('registerNumber') }
      : {
          salutation: form.text('salutation'),
          firstName: form.required('firstName'),
          lastName: form.required('lastName'),
        }
  return {
    type,
    ...named,
    roles: form.all('roles'),
    vatId: form.text('vatId'),
    emails: form.lines('emails'),
    domains: form.lines('domains'),
    phones: form.lines('phones'),
    address: Object.values(address).some(Boolean) ? address : undefined,
    language: form.text('language'),
    notes: form.text('notes'),
  }
}

export function newCustomerHandlers(ctx: Ctx): Handlers {
  return {
    save: async (form) => {
      const customer = await createCustomer(ctx, NewCustomer.parse(customerInput(form)))
      return { to: paths.customer(customer.id), flash: { key: 'customer.created', params: { id: customer.id } } }
    },
  }
}

const CLEARED = ['registerNumber', 'salutation', 'vatId', 'address', 'language', 'notes']

export function editCustomerHandlers(ctx: Ctx, customer: Customer): Handlers {
  const own =
    customer.type === 'company'
      ? CLEARED.filter((f) => f !== 'salutation')
      : CLEARED.filter((f) => f !== 'registerNumber')
  return {
    save: async (form) => {
      const { type: _type, ...input } = customerInput(form)
      const emptied = own.filter((field) => input[field] === undefined).map((field) => [field, null])
      const patch = CustomerPatch.parse({ ...input, ...Object.fromEntries(emptied) })
      await updateCustomer(ctx, customer.id, patch, Number(form.text('rev')) || undefined)
      return { to: paths.customer(customer.id), flash: { key: 'form.saved' } }
    },
  }
}
