import { z } from '@hono/zod-openapi'
import {
  archiveCustomer,
  createCustomer,
  getCustomer,
  restoreCustomer,
  updateCustomer,
} from '@registratur/core/customer'
import { Customer, CustomerPatch, NewCustomer } from '@registratur/core/customer-fields'
import { CustomerQuery, CustomerSummary, listCustomers } from '@registratur/core/directory'
import { recordExport } from '@registratur/core/export'
import { JournalEntry, listJournal } from '@registratur/core/journal'
import { Merge, mergeCustomers } from '@registratur/core/merge'
import { body, createRoute, customerParams, etag, ifMatchHeader, json, list, revisionOf, router } from './route.ts'

const tags = ['Customers']
const one = json(Customer, 'The customer')

const create = createRoute({
  method: 'post',
  path: '/customers',
  tags,
  summary: 'Open a customer’s file',
  request: body(NewCustomer),
  responses: { 201: json(Customer, 'The customer, with its number') },
})

const search = createRoute({
  method: 'get',
  path: '/customers',
  tags,
  summary: 'List and search customers',
  request: { query: CustomerQuery },
  responses: { 200: json(list(CustomerSummary), 'A page of customers') },
})

const read = createRoute({
  method: 'get',
  path: '/customers/{customer}',
  tags,
  summary: 'One customer',
  request: { params: customerParams },
  responses: { 200: one },
})

const change = createRoute({
  method: 'patch',
  path: '/customers/{customer}',
  tags,
  summary: 'Change a customer',
  request: { params: customerParams, headers: ifMatchHeader, ...body(CustomerPatch) },
  responses: { 200: one },
})

const archive = createRoute({
  method: 'post',
  path: '/customers/{customer}/archive',
  tags,
  summary: 'Archive a customer',
  request: { params: customerParams },
  responses: { 200: one },
})

const restore = createRoute({
  method: 'post',
  path: '/customers/{customer}/restore',
  tags,
  summary: 'Restore an archived customer (administrators)',
  request: { params: customerParams },
  responses: { 200: one },
})

const merge = createRoute({
  method: 'post',
  path: '/customers/{customer}/merge',
  tags,
  summary: 'Merge this record into another one of the same customer (administrators)',
  request: { params: customerParams, ...body(Merge) },
  responses: { 200: json(Customer, 'The customer that goes on') },
})

const journal = createRoute({
  method: 'get',
  path: '/customers/{customer}/journal',
  tags,
  summary: 'The journal of a customer, or of one of its documents, newest first',
  request: {
    params: customerParams,
    query: z.object({
      document: z.string().max(100).optional(),
      cursor: z.string().max(1000).optional(),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
  },
  responses: { 200: json(list(JournalEntry), 'A page of the journal') },
})

const exported = createRoute({
  method: 'post',
  path: '/customers/{customer}/exports',
  tags,
  summary: 'Journal that a customer’s file is about to be exported',
  request: { params: customerParams },
  responses: { 201: json(z.object({ at: z.string() }), 'Journalled') },
})

export const customers = router()
  .openapi(create, async (c) => {
    const customer = await createCustomer(c.var.ctx, c.req.valid('json'))
    return c.json(customer, 201, { ...etag(customer), Location: `/api/customers/${customer.id}` })
  })
  .openapi(search, async (c) => c.json(await listCustomers(c.var.ctx, c.req.valid('query')), 200))
  .openapi(read, async (c) => {
    const customer = await getCustomer(c.var.ctx, c.req.valid('param').customer)
    return c.json(customer, 200, etag(customer))
  })
  .openapi(change, async (c) => {
    const { customer: id } = c.req.valid('param')
    const customer = await updateCustomer(c.var.ctx, id, c.req.valid('json'), revisionOf(c.req.valid('header')))
    return c.json(customer, 200, etag(customer))
  })
  .openapi(archive, async (c) => c.json(await archiveCustomer(c.var.ctx, c.req.valid('param').customer), 200))
  .openapi(restore, async (c) => c.json(await restoreCustomer(c.var.ctx, c.req.valid('param').customer), 200))
  .openapi(merge, async (c) =>
    c.json(await mergeCustomers(c.var.ctx, c.req.valid('param').customer, c.req.valid('json').into), 200),
  )
  .openapi(journal, async (c) => {
    const { document, ...page } = c.req.valid('query')
    return c.json(await listJournal(c.var.ctx, { customer: c.req.valid('param').customer, document }, page), 200)
  })
  .openapi(exported, async (c) => c.json(await recordExport(c.var.ctx, c.req.valid('param').customer), 201))
