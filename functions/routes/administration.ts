import { z } from '@hono/zod-openapi'
import { Role } from '@registratur/core/actor'
import { ApiKey, createApiKey, listApiKeys, NewApiKey, revokeApiKey } from '@registratur/core/api-key'
import { JournalEntry, listJournal } from '@registratur/core/journal'
import { getSettings, Settings, SettingsPatch, updateSettings } from '@registratur/core/settings'
import { inviteStaff, listStaff, NewStaff, Staff, StaffPatch, updateStaff } from '@registratur/core/staff'
import { body, createRoute, json, list, router } from './route.ts'

const tags = ['Administration']
const id = z.string().max(254)

const health = createRoute({
  method: 'get',
  path: '/health',
  tags,
  summary: 'Answers once everything is up',
  security: [],
  responses: { 200: json(z.object({ status: z.literal('ok') }), 'Up') },
})

const me = createRoute({
  method: 'get',
  path: '/me',
  tags,
  summary: 'Who I am to the archive',
  security: [],
  responses: {
    200: json(
      z.object({
        kind: z.enum(['staff', 'contact', 'machine', 'system', 'anonymous']),
        id: z.string(),
        name: z.string(),
        email: z.string().optional(),
        roles: z.array(Role).optional(),
        memberships: z.array(z.object({ customerId: z.string(), contactId: z.string() })).optional(),
      }),
      'The actor behind the session or key',
    ),
  },
})

const staff = createRoute({
  method: 'get',
  path: '/staff',
  tags,
  summary: 'The staff',
  responses: { 200: json(list(Staff), 'Everybody on the staff') },
})

const invite = createRoute({
  method: 'post',
  path: '/staff',
  tags,
  summary: 'Invite somebody to the staff',
  request: body(NewStaff),
  responses: { 201: json(Staff, 'The new member') },
})

const change = createRoute({
  method: 'patch',
  path: '/staff/{email}',
  tags,
  summary: 'Change a member’s name or roles, deactivate or reactivate them',
  request: { params: z.object({ email: id }), ...body(StaffPatch) },
  responses: { 200: json(Staff, 'The member') },
})

const keys = createRoute({
  method: 'get',
  path: '/keys',
  tags,
  summary: 'API keys',
  responses: { 200: json(list(ApiKey), 'All keys, without their secrets') },
})

const createKey = createRoute({
  method: 'post',
  path: '/keys',
  tags,
  summary: 'Make an API key; it is shown in this answer only',
  request: body(NewApiKey),
  responses: { 201: json(ApiKey.extend({ key: z.string() }), 'The key') },
})

const revokeKey = createRoute({
  method: 'delete',
  path: '/keys/{key}',
  tags,
  summary: 'Revoke an API key, at once',
  request: { params: z.object({ key: id }) },
  responses: { 204: { description: 'Revoked' } },
})

const readSettings = createRoute({
  method: 'get',
  path: '/settings',
  tags,
  summary: 'The company’s name and the folders of new customers',
  responses: { 200: json(Settings, 'The settings') },
})

const changeSettings = createRoute({
  method: 'patch',
  path: '/settings',
  tags,
  summary: 'Change the settings',
  request: body(SettingsPatch),
  responses: { 200: json(Settings, 'The settings') },
})

const journal = createRoute({
  method: 'get',
  path: '/journal',
  tags,
  summary: 'The journal of the archive itself: staff, keys, settings',
  request: {
    query: z.object({
      cursor: z.string().max(1000).optional(),
      limit: z.coerce.number().int().min(1).max(100).default(50),
    }),
  },
  responses: { 200: json(list(JournalEntry), 'A page of the journal, newest first') },
})

export const administration = router()
  .openapi(health, (c) => c.json({ status: 'ok' as const }, 200))
  .openapi(me, (c) => c.json(c.var.ctx.actor, 200))
  .openapi(staff, async (c) => c.json(await listStaff(c.var.ctx), 200))
  .openapi(invite, async (c) => c.json(await inviteStaff(c.var.ctx, c.req.valid('json')), 201))
  .openapi(change, async (c) =>
    c.json(await updateStaff(c.var.ctx, c.req.valid('param').email.toLowerCase(), c.req.valid('json')), 200),
  )
  .openapi(keys, async (c) => c.json(await listApiKeys(c.var.ctx), 200))
  .openapi(createKey, async (c) => c.json(await createApiKey(c.var.ctx, c.req.valid('json')), 201))
  .openapi(revokeKey, async (c) => {
    await revokeApiKey(c.var.ctx, c.req.valid('param').key)
    return c.body(null, 204)
  })
  .openapi(readSettings, async (c) => c.json(await getSettings(c.var.ctx), 200))
  .openapi(changeSettings, async (c) => c.json(await updateSettings(c.var.ctx, c.req.valid('json')), 200))
  .openapi(journal, async (c) => c.json(await listJournal(c.var.ctx, {}, c.req.valid('query')), 200))
