import { parsePhoneNumberFromString } from 'libphonenumber-js'
import * as z from 'zod'
import type { Row } from './item.ts'
import { Email, Line, Text } from './text.ts'

/**
 * Formats of VAT identification numbers, per member state (EL is Greece, XI Northern Ireland).
 *
 * @see Directive 2006/112/EC Art. 215; European Commission, VIES "VAT number format"
 */
const VAT_FORMATS: Record<string, RegExp> = {
  AT: /^U\d{8}$/,
  BE: /^[01]\d{9}$/,
  BG: /^\d{9,10}$/,
  CY: /^\d{8}[A-Z]$/,
  CZ: /^\d{8,10}$/,
  DE: /^\d{9}$/,
  DK: /^\d{8}$/,
  EE: /^\d{9}$/,
  EL: /^\d{9}$/,
  ES: /^[A-Z0-9]\d{7}[A-Z0-9]$/,
  FI: /^\d{8}$/,
  FR: /^[A-HJ-NP-Z0-9]{2}\d{9}$/,
  HR: /^\d{11}$/,
  HU: /^\d{8}$/,
  IE: /^(\d[A-Z0-9+*]\d{5}[A-Z]|\d{7}[A-W][A-I]?)$/,
  IT: /^\d{11}$/,
  LT: /^(\d{9}|\d{12})$/,
  LU: /^\d{8}$/,
  LV: /^\d{11}$/,
  MT: /^\d{8}$/,
  NL: /^[A-Z0-9+*]{12}$/,
  PL: /^\d{10}$/,
  PT: /^\d{9}$/,
  RO: /^\d{2,10}$/,
  SE: /^\d{12}$/,
  SI: /^\d{8}$/,
  SK: /^\d{10}$/,
  XI: /^(\d{9}|\d{12}|GD\d{3}|HA\d{3})$/,
}

/** Format only: whether the number was given to anybody is for VIES to say, which is not asked. */
export const VatId = z
  .string()
  .max(30)
  .overwrite((text) => text.toUpperCase().replace(/[\s.-]/g, ''))
  .refine(
    (id) => VAT_FORMATS[id.slice(0, 2)]?.test(id.slice(2)) === true,
    'is not a VAT id of an EU country: two letters of the country, then its format, such as DE123456789',
  )

/** E.164; a number without country code is taken for a German one. */
export const Phone = z
  .string()
  .max(40)
  .overwrite((text) => parsePhoneNumberFromString(text, 'DE')?.number ?? text)
  .regex(/^\+[1-9]\d{4,14}$/, 'is not a telephone number: give it with its country code, such as +49 30 1234567')

const Domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  // Without the u flag, which a JSON schema can't carry.
  .regex(
    /^([a-z\d\u00df-\uffff]([a-z\d\u00df-\uffff-]*[a-z\d\u00df-\uffff])?\.)+[a-z\u00df-\uffff]{2,}$/,
    'is not a domain: give it like example.com',
  )

export const Language = z.string().regex(/^[a-z]{2}$/, 'is not a language: give two letters, such as de')

const Address = z.strictObject({
  street: Line(200).optional(),
  postalCode: Line(20).optional(),
  city: Line(100).optional(),
  /** ISO 3166-1 alpha-2. */
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'is not a country: give two capital letters, such as DE')
    .optional(),
})

export const CustomerRole = z.enum(['prospect', 'customer', 'supplier'])

const unique = <T>(list: T[]) => [...new Set(list)]

const common = {
  roles: z.array(CustomerRole).min(1).max(3).overwrite(unique).default(['customer']),
  vatId: VatId.optional(),
  emails: z.array(Email).max(10).overwrite(unique).default([]),
  domains: z.array(Domain).max(10).overwrite(unique).default([]),
  phones: z.array(Phone).max(10).overwrite(unique).default([]),
  address: Address.optional(),
  language: Language.optional(),
  notes: Text(5000).optional(),
}

const Company = z.strictObject({
  type: z.literal('company'),
  name: Line(200),
  registerNumber: Line(100).optional(),
  ...common,
})

const Person = z.strictObject({
  type: z.literal('person'),
  salutation: Line(50).optional(),
  firstName: Line(100),
  lastName: Line(100),
  ...common,
})

export const NewCustomer = z.discriminatedUnion('type', [Company, Person]).meta({ id: 'NewCustomer' })
export type NewCustomer = z.infer<typeof NewCustomer>

const optional = <T extends z.ZodType>(schema: T) => schema.nullable().optional()

/** Fields to change; `null` empties an optional one. The number and the type stay. */
export const CustomerPatch = z
  .strictObject({
    name: Line(200).optional(),
    registerNumber: optional(Line(100)),
    salutation: optional(Line(50)),
    firstName: Line(100).optional(),
    lastName: Line(100).optional(),
    roles: common.roles.unwrap().optional(),
    vatId: optional(VatId),
    emails: common.emails.unwrap().optional(),
    domains: common.domains.unwrap().optional(),
    phones: common.phones.unwrap().optional(),
    address: optional(Address),
    language: optional(Language),
    notes: optional(Text(5000)),
  })
  .meta({ id: 'CustomerPatch' })
export type CustomerPatch = z.infer<typeof CustomerPatch>

export const CustomerId = z
  .string()
  .regex(/^CUS-\d{4,12}$/, 'is not a customer number: it looks like CUS-0001')
  .meta({ example: 'CUS-0001' })

const CustomerStatus = z.enum(['active', 'archived', 'merged'])

/** A customer as it is stored. `data` is what a person entered. */
export type CustomerRow = Row<{
  id: string
  data: NewCustomer
  status: z.infer<typeof CustomerStatus>
  /** The customer this one became part of; its number stays an alias. */
  mergedInto?: string
  audience: string
  createdAt: string
  updatedAt: string
}>

export const Customer = z
  .object({
    id: CustomerId,
    type: z.enum(['company', 'person']),
    /** How the customer is listed: the company's name, or first and last name. */
    name: z.string(),
    firstName: z.string().optional(),
    lastName: z.string().optional(),
    salutation: z.string().optional(),
    registerNumber: z.string().optional(),
    roles: z.array(CustomerRole),
    vatId: z.string().optional(),
    emails: z.array(z.string()),
    domains: z.array(z.string()),
    phones: z.array(z.string()),
    address: z
      .object({
        street: z.string().optional(),
        postalCode: z.string().optional(),
        city: z.string().optional(),
        country: z.string().optional(),
      })
      .optional(),
    language: z.string().optional(),
    notes: z.string().optional(),
    status: CustomerStatus,
    createdAt: z.string(),
    updatedAt: z.string(),
    rev: z.number().int(),
  })
  .meta({ id: 'Customer' })
export type Customer = z.infer<typeof Customer>

export function nameOf(data: NewCustomer): string {
  return data.type === 'company' ? data.name : `${data.firstName} ${data.lastName}`
}
