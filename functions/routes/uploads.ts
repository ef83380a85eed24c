import { createUpload, NewUpload, Upload } from '@registratur/core/upload'
import { body, createRoute, json, router } from './route.ts'

const create = createRoute({
  method: 'post',
  path: '/uploads',
  tags: ['Documents'],
  summary: 'Announce bytes; then PUT them to the url in the answer, with its headers',
  request: body(NewUpload),
  responses: { 201: json(Upload, 'Where to put the bytes') },
})

export const uploads = router().openapi(create, async (c) =>
  c.json(await createUpload(c.var.ctx, c.req.valid('json')), 201),
)
