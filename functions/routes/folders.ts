import { z } from '@hono/zod-openapi'
import {
  createFolder,
  deleteFolder,
  FolderNode,
  FolderPatch,
  folderTree,
  NewFolder,
  updateFolder,
} from '@registratur/core/folder'
import { body, createRoute, customerParams, etag, ifMatchHeader, json, revisionOf, router } from './route.ts'

const tags = ['Folders']
const folderParams = customerParams.extend({ folder: z.string().max(100) })

const tree = createRoute({
  method: 'get',
  path: '/customers/{customer}/folders',
  tags,
  summary: 'The folder trees of a customer',
  request: { params: customerParams },
  responses: { 200: json(z.object({ items: z.array(FolderNode) }), 'The topmost folders, each with its children') },
})

const create = createRoute({
  method: 'post',
  path: '/customers/{customer}/folders',
  tags,
  summary: 'Create a folder',
  request: { params: customerParams, ...body(NewFolder) },
  responses: { 201: json(FolderNode, 'The folder') },
})

const change = createRoute({
  method: 'patch',
  path: '/customers/{customer}/folders/{folder}',
  tags,
  summary: 'Rename or move a folder',
  request: { params: folderParams, headers: ifMatchHeader, ...body(FolderPatch) },
  responses: { 200: json(FolderNode, 'The folder') },
})

const drop = createRoute({
  method: 'delete',
  path: '/customers/{customer}/folders/{folder}',
  tags,
  summary: 'Delete an empty folder',
  request: { params: folderParams },
  responses: { 204: { description: 'Deleted' } },
})

export const folders = router()
  .openapi(tree, async (c) => c.json(await folderTree(c.var.ctx, c.req.valid('param').customer), 200))
  .openapi(create, async (c) =>
    c.json(await createFolder(c.var.ctx, c.req.valid('param').customer, c.req.valid('json')), 201),
  )
  .openapi(change, async (c) => {
    const { customer, folder: id } = c.req.valid('param')
    const rev = revisionOf(c.req.valid('header'))
    const folder = await updateFolder(c.var.ctx, customer, id, c.req.valid('json'), rev)
    return c.json(folder, 200, etag(folder))
  })
  .openapi(drop, async (c) => {
    const { customer, folder } = c.req.valid('param')
    await deleteFolder(c.var.ctx, customer, folder)
    return c.body(null, 204)
  })
