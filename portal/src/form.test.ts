import { NewCustomer } from '@registratur/core/customer-fields'
import { ArchiveError } from '@registratur/core/errors'
import { describe, expect, it } from 'vitest'
import { customerInput } from './features/customers.ts'
import { Form, Submission } from './form.ts'
import { translator } from './messages/index.ts'
import { asArchiveError, fieldErrors, problemText } from './problem.ts'

const form = (fields: [string, string][]) => {
  const data = new FormData()
  for (const [name, value] of fields) data.append(name, value)
  return new Form(data)
}

describe('a form', () => {
  it('gives what was typed, trimmed; nothing for what was left empty', () => {
    const sent = form([
      ['name', ' Nord '],
      ['note', '  '],
      ['roles', 'a'],
      ['roles', 'b'],
      ['emails', 'a@b.example\r\n\r\n c@d.example '],
    ])
    expect(sent.text('name')).toBe('Nord')
    expect(sent.text('note')).toBeUndefined()
    expect(sent.all('roles')).toEqual(['a', 'b'])
    expect(sent.lines('emails')).toEqual(['a@b.example', 'c@d.example'])
  })

  it('keeps what was typed when it is refused, over what is stored', () => {
    const error = new ArchiveError('invalid', 'invalid', '')
    const refused = new Submission({
      action: 'save',
      error,
      form: form([
        ['name', 'typed'],
        ['roles', 'a'],
      ]),
    })
    expect(refused.value('save', 'name', 'stored')).toBe('typed')
    expect(refused.value('other', 'name', 'stored')).toBe('stored')
    expect(refused.checked('save', 'roles', 'b', true)).toBe(false)
    expect(new Submission().value('save', 'name', 'stored')).toBe('stored')
  })
})

it('makes a customer of a form', () => {
  const input = customerInput(
    form([
      ['type', 'company'],
      ['name', 'Nord'],
      ['roles', 'supplier'],
      ['address.country', 'de'],
      ['firstName', 'x'],
    ]),
  )
  expect(NewCustomer.parse(input)).toMatchObject({
    type: 'company',
    name: 'Nord',
    roles: ['supplier'],
    address: { country: 'DE' },
  })
})

it('names each field that was refused, in the reader’s language', () => {
  const refused = () =>
    NewCustomer.parse(
      customerInput(
        form([
          ['type', 'company'],
          ['roles', 'customer'],
          ['emails', 'x@'],
          ['vatId', 'DE1'],
        ]),
      ),
    )
  let error: ArchiveError | undefined
  try {
    refused()
  } catch (cause) {
    error = asArchiveError(cause)
  }
  if (!error) throw new Error('it was accepted')
  const t = translator('de')
  expect(problemText(t, error)).toBe('Einige Felder brauchen noch einen Blick.')
  expect(fieldErrors(t, error)).toEqual([
    { field: 'name', label: 'Name', message: 'fehlt' },
    { field: 'vatId', label: 'USt-IdNr.', message: 'ist keine USt-IdNr. eines EU-Landes wie DE123456789' },
    { field: 'emails', label: 'E-Mail-Adressen', message: 'ist keine E-Mail-Adresse' },
  ])
})

it('leaves errors that nobody foresaw alone', () => {
  expect(asArchiveError(new TypeError('x'))).toBeUndefined()
})
