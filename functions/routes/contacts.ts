import { z } from '@hono/zod-openapi'
import {
  addContact,
  Contact,
  ContactPatch,
  inviteContact,
  listContacts,
  NewContact,
  updateContact,
} from '@registratur/core/contact'
import { body, createRoute, customerParams, etag, ifMatchHeader, json, list, revisionOf, router } from './route.ts'

const tags = ['Contacts']
const contactParams = customerParams.extend({ contact: z.string().max(100) })

const all = createRoute({
  method: 'get',
  path: '/customers/{customer}/contacts',
  tags,
  summary: 'The contacts of a customer',
  request: { params: customerParams },
  responses: { 200: json(list(Contact), 'All contacts') },
})

const add = createRoute({
  method: 'post',
  path: '/customers/{customer}/contacts',
  tags,
  summary: 'Add a contact',
  request: { params: customerParams, ...body(NewContact) },
  responses: { 201: json(Contact, 'The contact') },
})

const change = createRoute({
  method: 'patch',
  path: '/customers/{customer}/contacts/{contact}',
  tags,
  summary: 'Change a contact, or close the portal to it',
  request: { params: contactParams, headers: ifMatchHeader, ...body(ContactPatch) },
  responses: { 200: json(Contact, 'The contact') },
})

const invite = createRoute({
  method: 'post',
  path: '/customers/{customer}/contacts/{contact}/invite',
  tags,
  summary: 'Write to a contact that the portal is open to them',
  request: { params: contactParams },
  responses: { 200: json(Contact, 'The contact') },
})

export const contacts = router()
  .openapi(all, async (c) => c.json(await listContacts(c.var.ctx, c.req.valid('param').customer), 200))
  .openapi(add, async (c) =>
    c.json(await addContact(c.var.ctx, c.req.valid('param').customer, c.req.valid('json')), 201),
  )
  .openapi(change, async (c) => {
    const { customer, contact: id } = c.req.valid('param')
    const rev = revisionOf(c.req.valid('header'))
    const contact = await updateContact(c.var.ctx, customer, id, c.req.valid('json'), rev)
    return c.json(contact, 200, etag(contact))
  })
  .openapi(invite, async (c) => {
    const { customer, contact } = c.req.valid('param')
    return c.json(await inviteContact(c.var.ctx, customer, contact), 200)
  })
