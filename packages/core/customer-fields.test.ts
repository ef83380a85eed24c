import { describe, expect, it } from 'vitest'
import { CustomerId, CustomerPatch, NewCustomer, Phone, VatId } from './customer-fields.ts'

/** Per country: numbers in its format, and numbers that miss it by little. */
const VAT: Record<string, [valid: string[], invalid: string[]]> = {
  AT: [['ATU12345678'], ['AT12345678', 'ATU1234567', 'ATX12345678']],
  BE: [
    ['BE0123456789', 'BE1123456789'],
    ['BE2123456789', 'BE123456789'],
  ],
  BG: [
    ['BG123456789', 'BG1234567890'],
    ['BG12345678', 'BG12345678901'],
  ],
  CY: [['CY12345678X'], ['CY123456789', 'CY1234567X']],
  CZ: [
    ['CZ12345678', 'CZ123456789', 'CZ1234567890'],
    ['CZ1234567', 'CZ12345678901'],
  ],
  DE: [['DE123456789'], ['DE12345678', 'DE1234567890', 'DE12345678A']],
  DK: [['DK12345678'], ['DK1234567', 'DK123456789']],
  EE: [['EE123456789'], ['EE12345678']],
  EL: [['EL123456789'], ['EL12345678', 'GR123456789']],
  ES: [
    ['ESX1234567X', 'ESA12345678', 'ES12345678Z'],
    ['ES123', 'ESXX234567X', 'ESA1234567'],
  ],
  FI: [['FI12345678'], ['FI1234567']],
  FR: [
    ['FR12345678901', 'FRAB123456789', 'FRA1123456789'],
    ['FRIO123456789', 'FR1234567890'],
  ],
  HR: [['HR12345678901'], ['HR1234567890']],
  HU: [['HU12345678'], ['HU123456789']],
  IE: [
    ['IE1234567WA', 'IE1234567T', 'IE1A23456B', 'IE1+23456B'],
    ['IE12345678', 'IE1234567XZ'],
  ],
  IT: [['IT12345678901'], ['IT1234567890']],
  LT: [['LT123456789', 'LT123456789012'], ['LT1234567890']],
  LU: [['LU12345678'], ['LU1234567']],
  LV: [['LV12345678901'], ['LV1234567890']],
  MT: [['MT12345678'], ['MT1234567']],
  NL: [
    ['NL123456789B01', 'NL1234567890B1'],
    ['NL123456789B0', 'NL123456789B012'],
  ],
  PL: [['PL1234567890'], ['PL123456789']],
  PT: [['PT123456789'], ['PT1234567890']],
  RO: [
    ['RO12', 'RO1234567890'],
    ['RO1', 'RO12345678901'],
  ],
  SE: [['SE123456789001'], ['SE1234567890']],
  SI: [['SI12345678'], ['SI1234567']],
  SK: [['SK1234567890'], ['SK123456789']],
  XI: [
    ['XI123456789', 'XI123456789012', 'XIGD123', 'XIHA123'],
    ['XI12345678', 'XIGD1234'],
  ],
}

describe('VAT id', () => {
  it('knows the 27 member states and Northern Ireland', () => {
    expect(Object.keys(VAT)).toHaveLength(28)
  })

  it.each(Object.entries(VAT))('checks the format of %s', (_country, [valid, invalid]) => {
    for (const id of valid) expect(VatId.parse(id)).toBe(id)
    for (const id of invalid) expect([id, VatId.safeParse(id).success]).toEqual([id, false])
  })

  it('is stored without the spaces, dots and hyphens it was typed with', () => {
    expect(VatId.parse(' de 123.456-789 ')).toBe('DE123456789')
    expect(VatId.parse('atu 1234 5678')).toBe('ATU12345678')
  })

  it('refuses other countries, other types and what only begins like one', () => {
    for (const no of [
      '',
      'DE',
      'US123456789',
      'GB123456789',
      'CHE123456789',
      'constructor',
      'DE123456789\0',
      123456789,
      null,
    ]) {
      expect(VatId.safeParse(no).success).toBe(false)
    }
    expect(VatId.safeParse(`DE${' '.repeat(50)}123456789`).success).toBe(false)
  })
})

describe('telephone number', () => {
  it.each([
    ['+49 30 1234567', '+49301234567'],
    ['030 / 123 45 67', '+49301234567'],
    ['0049 30 1234567', '+49301234567'],
    ['+1 (212) 555-0123', '+12125550123'],
    ['+43 1 58858', '+43158858'],
    ['+49 171 1234567', '+491711234567'],
  ])('%s is stored as %s', (typed, stored) => {
    expect(Phone.parse(typed)).toBe(stored)
    expect(Phone.parse(stored)).toBe(stored)
  })

  it.each(['', '+', 'call me', '+0301234567', '+49', '+1234567890123456', '030\n1', '\0', '<script>', 5, null])(
    'refuses %j',
    (typed) => {
      expect(Phone.safeParse(typed).success).toBe(false)
    },
  )
})

describe('a new customer', () => {
  const company = { type: 'company', name: 'Muster GmbH' }
  const person = { type: 'person', firstName: 'Ada', lastName: 'Muster' }

  it('needs a name, or first and last name, according to its type', () => {
    expect(NewCustomer.parse(company)).toMatchObject({ ...company, roles: ['customer'], emails: [] })
    expect(NewCustomer.parse(person)).toMatchObject(person)
    for (const no of [
      {},
      { type: 'company' },
      { type: 'company', name: ' ' },
      { type: 'person', firstName: 'Ada' },
      { type: 'person', lastName: 'Muster' },
      { type: 'person', name: 'Ada Muster' },
      { ...company, firstName: 'Ada' },
      { ...person, registerNumber: 'HRB 1' },
      { type: 'robot', name: 'X' },
    ])
      expect([no, NewCustomer.safeParse(no).success]).toEqual([no, false])
  })

  it('can’t be given what the archive gives', () => {
    for (const field of ['id', 'status', 'rev', 'createdAt', 'mergedInto', 'audience', 'pk']) {
      expect(NewCustomer.safeParse({ ...company, [field]: 'CUS-0007' }).success).toBe(false)
    }
  })

  it('combines roles freely, each once', () => {
    expect(NewCustomer.parse({ ...company, roles: ['supplier', 'prospect', 'supplier'] }).roles).toEqual([
      'supplier',
      'prospect',
    ])
    expect(NewCustomer.parse({ ...company, roles: ['prospect', 'customer', 'supplier'] }).roles).toHaveLength(3)
    for (const roles of [[], ['owner'], 'customer', null])
      expect(NewCustomer.safeParse({ ...company, roles }).success).toBe(false)
  })

  it('lists each e-mail, domain and telephone number once, in its one spelling', () => {
    const { emails, domains, phones } = NewCustomer.parse({
      ...company,
      emails: ['Info@Muster.example', 'info@muster.example'],
      domains: ['Muster.example', ' muster.EXAMPLE ', 'münchen.example'],
      phones: ['030 1234567', '+49301234567'],
    })
    expect({ emails, domains, phones }).toEqual({
      emails: ['info@muster.example'],
      domains: ['muster.example', 'münchen.example'],
      phones: ['+49301234567'],
    })
  })

  it('checks address, language and domains', () => {
    const full = {
      ...company,
      language: 'de',
      address: { street: 'Weg 1', postalCode: '10115', city: 'Berlin', country: 'DE' },
    }
    expect(NewCustomer.parse(full)).toMatchObject(full)
    for (const no of [
      { language: 'german' },
      { language: 'DE' },
      { address: { country: 'Germany' } },
      { address: { planet: 'Earth' } },
      { address: 'Weg 1' },
      { domains: ['nodots'] },
      { domains: ['-a.example'] },
      { domains: ['https://a.example'] },
      { domains: ['a..example'] },
      { domains: ['a.example/x'] },
      {
        emails: Array(11)
          .fill(0)
          .map((_, i) => `a${i}@b.example`),
      },
      { notes: 'x'.repeat(5001) },
    ])
      expect([no, NewCustomer.safeParse({ ...company, ...no }).success]).toEqual([no, false])
  })
})

describe('a change of a customer', () => {
  it('takes any subset, empties optional fields with null, and neither number nor type', () => {
    expect(CustomerPatch.parse({})).toEqual({})
    expect(CustomerPatch.parse({ vatId: null, notes: null, address: null })).toEqual({
      vatId: null,
      notes: null,
      address: null,
    })
    for (const no of [
      { id: 'CUS-0002' },
      { type: 'person' },
      { status: 'archived' },
      { name: null },
      { roles: [] },
      { emails: null },
    ]) {
      expect([no, CustomerPatch.safeParse(no).success]).toEqual([no, false])
    }
  })

  it('does not fill in what was left out', () => {
    expect(CustomerPatch.parse({ name: 'Neu' })).toEqual({ name: 'Neu' })
  })
})

describe('a customer number', () => {
  it('has four digits or more', () => {
    for (const id of ['CUS-0001', 'CUS-12345']) expect(CustomerId.safeParse(id).success).toBe(true)
    for (const id of ['CUS-1', 'cus-0001', 'CUS-0001 ', 'CUS-0001\n', '../CUS-0001', 'CUS-00001234567890'])
      expect(CustomerId.safeParse(id).success).toBe(false)
  })
})
