import { z } from '@hono/zod-openapi'
import { ContentQuery, contentUrl } from '@registratur/core/content'
import { Document, DocumentPatch, getDocument, listVersions, updateDocument, Version } from '@registratur/core/document'
import { DocumentQuery, listDocuments } from '@registratur/core/document-list'
import {
  addVersion,
  Discard,
  discardDraft,
  fileDocument,
  finaliseDocument,
  NewDocument,
  NewVersion,
} from '@registratur/core/filing'
import {
  body,
  createRoute,
  customerParams,
  documentParams,
  etag,
  ifMatchHeader,
  json,
  list,
  revisionOf,
  router,
} from './route.ts'

const tags = ['Documents']
const one = json(Document, 'The document')

const all = createRoute({
  method: 'get',
  path: '/customers/{customer}/documents',
  tags,
  summary: 'Documents of a customer, or of one of its folders',
  request: { params: customerParams, query: DocumentQuery },
  responses: { 200: json(list(Document), 'A page of documents') },
})

const file = createRoute({
  method: 'post',
  path: '/customers/{customer}/documents',
  tags,
  summary: 'File an upload as a document; repeating the call gives the same document',
  request: { params: customerParams, ...body(NewDocument) },
  responses: { 201: one },
})

const read = createRoute({
  method: 'get',
  path: '/customers/{customer}/documents/{document}',
  tags,
  summary: 'One document',
  request: { params: documentParams },
  responses: { 200: one },
})

const change = createRoute({
  method: 'patch',
  path: '/customers/{customer}/documents/{document}',
  tags,
  summary: 'Change what is said of a document, or move it to another folder',
  request: { params: documentParams, headers: ifMatchHeader, ...body(DocumentPatch) },
  responses: { 200: one },
})

const finalise = createRoute({
  method: 'post',
  path: '/customers/{customer}/documents/{document}/finalise',
  tags,
  summary: 'Make the newest version final: locked, and visible to contacts it is shared with',
  request: { params: documentParams, headers: ifMatchHeader },
  responses: { 200: one },
})

const discard = createRoute({
  method: 'post',
  path: '/customers/{customer}/documents/{document}/discard',
  tags,
  summary: 'Discard the draft; without a final version, the document',
  request: { params: documentParams, headers: ifMatchHeader, ...body(Discard) },
  responses: { 200: json(Document, 'What is left'), 204: { description: 'Nothing is left' } },
})

const versions = createRoute({
  method: 'get',
  path: '/customers/{customer}/documents/{document}/versions',
  tags,
  summary: 'The versions of a document, newest first',
  request: { params: documentParams },
  responses: { 200: json(list(Version), 'All versions') },
})

const add = createRoute({
  method: 'post',
  path: '/customers/{customer}/documents/{document}/versions',
  tags,
  summary: 'Add a version',
  request: { params: documentParams, headers: ifMatchHeader, ...body(NewVersion) },
  responses: { 201: json(Version, 'The version') },
})

const content = createRoute({
  method: 'get',
  path: '/customers/{customer}/documents/{document}/versions/{n}/content',
  tags,
  summary: 'The bytes of a version: a redirect to a link that works for a minute (GET or HEAD)',
  request: {
    params: documentParams.extend({ n: z.coerce.number().int().min(1).max(999_999) }),
    query: ContentQuery,
  },
  responses: { 302: { description: 'Where the bytes are, in Location' } },
})

export const documents = router()
  .openapi(all, async (c) =>
    c.json(await listDocuments(c.var.ctx, c.req.valid('param').customer, c.req.valid('query')), 200),
  )
  .openapi(file, async (c) => {
    const document = await fileDocument(c.var.ctx, c.req.valid('param').customer, c.req.valid('json'))
    const location = `/api/customers/${document.customerId}/documents/${document.id}`
    return c.json(document, 201, { ...etag(document), Location: location })
  })
  .openapi(read, async (c) => {
    const { customer, document: id } = c.req.valid('param')
    const document = await getDocument(c.var.ctx, customer, id)
    return c.json(document, 200, etag(document))
  })
  .openapi(change, async (c) => {
    const { customer, document: id } = c.req.valid('param')
    const rev = revisionOf(c.req.valid('header'))
    const document = await updateDocument(c.var.ctx, customer, id, c.req.valid('json'), rev)
    return c.json(document, 200, etag(document))
  })
  .openapi(finalise, async (c) => {
    const { customer, document: id } = c.req.valid('param')
    const document = await finaliseDocument(c.var.ctx, customer, id, revisionOf(c.req.valid('header')))
    return c.json(document, 200, etag(document))
  })
  .openapi(discard, async (c) => {
    const { customer, document: id } = c.req.valid('param')
    const rev = revisionOf(c.req.valid('header'))
    const left = await discardDraft(c.var.ctx, customer, id, c.req.valid('json'), rev)
    return left ? c.json(left, 200, etag(left)) : c.body(null, 204)
  })
  .openapi(versions, async (c) => {
    const { customer, document } = c.req.valid('param')
    return c.json(await listVersions(c.var.ctx, customer, document), 200)
  })
  .openapi(add, async (c) => {
    const { customer, document } = c.req.valid('param')
    const rev = revisionOf(c.req.valid('header'))
    return c.json(await addVersion(c.var.ctx, customer, document, c.req.valid('json'), rev), 201)
  })
  .openapi(content, async (c) => {
    const { customer, document, n } = c.req.valid('param')
    const method = c.req.method === 'HEAD' ? 'HEAD' : 'GET'
    const { disposition } = c.req.valid('query')
    const { url } = await contentUrl(c.var.ctx, customer, document, n, { method, disposition })
    return c.redirect(url, 302)
  })
