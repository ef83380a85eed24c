import { z } from '@hono/zod-openapi'
import { createGrant, Grant, listGrants, NewGrant, revokeGrant } from '@registratur/core/grant'
import { SharedFile, sharedWithMe } from '@registratur/core/shared'
import { body, createRoute, customerParams, json, list, router } from './route.ts'

const tags = ['Sharing']

const all = createRoute({
  method: 'get',
  path: '/customers/{customer}/grants',
  tags,
  summary: 'What is shared with whom',
  request: { params: customerParams },
  responses: { 200: json(list(Grant), 'All grants') },
})

const share = createRoute({
  method: 'post',
  path: '/customers/{customer}/grants',
  tags,
  summary: 'Share a folder or a document with a contact; answers 409 `widens-access` until sent with confirm: true',
  request: { params: customerParams, ...body(NewGrant) },
  responses: { 201: json(Grant, 'The grant') },
})

const revoke = createRoute({
  method: 'delete',
  path: '/customers/{customer}/grants/{grant}',
  tags,
  summary: 'Take a share back, at once',
  request: { params: customerParams.extend({ grant: z.string().max(100) }) },
  responses: { 204: { description: 'Revoked' } },
})

const shared = createRoute({
  method: 'get',
  path: '/shared',
  tags,
  summary: 'What is shared with me (contacts)',
  responses: { 200: json(z.object({ items: z.array(SharedFile) }), 'Per customer I am a contact of') },
})

export const grants = router()
  .openapi(all, async (c) => c.json(await listGrants(c.var.ctx, c.req.valid('param').customer), 200))
  .openapi(share, async (c) =>
    c.json(await createGrant(c.var.ctx, c.req.valid('param').customer, c.req.valid('json')), 201),
  )
  .openapi(revoke, async (c) => {
    const { customer, grant } = c.req.valid('param')
    await revokeGrant(c.var.ctx, customer, grant)
    return c.body(null, 204)
  })
  .openapi(shared, async (c) => c.json(await sharedWithMe(c.var.ctx), 200))
