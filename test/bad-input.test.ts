import { DatabaseSync } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { type Answer, type Json, openTestArchive, sha256, someBytes, type TestArchive } from './kit.ts'

let t: TestArchive
let customer: Json
let other: Json
let folder: Json
let document: Json
const ids: Record<string, string> = {}

beforeAll(async () => {
  t = await openTestArchive()
  customer = await t.customer()
  other = await t.customer('Andere GmbH')
  folder = await t.folderOf(customer.id)
  document = await t.file(customer.id, folder.id, someBytes(), { final: true })
  const post = async (path: string, body: object) =>
    (await t.ask('POST', `/api/customers/${customer.id}/${path}`, body)).body.id
  const contact = await post('contacts', { firstName: 'K', lastName: 'T', email: 'k@t.example' })
  const grant = await post('grants', { contactId: contact, folderId: folder.id, permission: 'view', confirm: true })
  const key = (await t.ask('POST', '/api/keys', { name: 'X', roles: ['clerk'] })).body.id
  Object.assign(ids, { customer: customer.id, folder: folder.id, document: document.id, contact, grant, key, n: '1' })
  ids.email = 'ada@archive.example'
  await t.archive.worker.idle()
})
afterAll(() => t.close())

interface Operation {
  method: string
  path: string
  open: boolean
  hasBody: boolean
  query: string[]
  ifMatch: boolean
}

async function operations(): Promise<Operation[]> {
  const { paths } = (await t.ask('GET', '/api/openapi.json')).body
  return Object.entries(paths as Record<string, Record<string, Json>>).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const parameters: Json[] = operation.parameters ?? []
      return {
        method: method.toUpperCase(),
        path,
        open: operation.security?.length === 0,
        hasBody: operation.requestBody !== undefined,
        query: parameters.filter((each) => each.in === 'query').map(({ name }) => name),
        ifMatch: parameters.some((each) => each.in === 'header' && each.name === 'if-match'),
      }
    }),
  )
}

const fill = (path: string, values = ids) => path.replace(/\{(\w+)\}/g, (_, name) => values[name] ?? 'x')

/** Every row of the table, as the file holds it: key and revision. */
function rows(): string[] {
  const db = new DatabaseSync(`${t.dataDir}/archive.db`, { readOnly: true })
  try {
    return db
      .prepare('SELECT pk, sk, rev FROM rows ORDER BY pk, sk')
      .all()
      .map(({ pk, sk, rev }) => `${pk} ${sk} ${rev}`)
  } finally {
    db.close()
  }
}

/** Run requests that must all be refused, and must leave the table as it was. */
async function leavesNothing(run: () => Promise<void>): Promise<void> {
  const before = rows()
  await run()
  expect(rows().filter((row) => !before.includes(row))).toEqual([])
  expect(rows()).toEqual(before)
}

/** A problem document (RFC 9457) that tells a program and a person what to do, and nothing of our insides. */
function expectProblem(answer: Answer, name: unknown): void {
  const { status, body, headers } = answer
  expect([name, status >= 400 && status < 500, status]).toEqual([name, true, status])
  expect([name, headers.get('content-type')]).toEqual([name, 'application/problem+json'])
  expect([name, body.status]).toEqual([name, status])
  expect(body.code).toMatch(/^[a-z]+(-[a-z]+)*$/)
  expect(body.type).toContain(body.code)
  for (const text of [body.title, body.detail]) expect(text).toMatch(/\w/)
  const everything = JSON.stringify(body)
  expect(everything).not.toMatch(/ZodError|SQLITE|node_modules|\bat \w+ \(|undefined/)
  expect(everything.length).toBeLessThan(20_000)
}

/** Answers that are no mistake of the asker's: everything was fine, or nothing was there. */
function expectAnswer(answer: Answer, name: unknown): void {
  if (answer.status < 400) return
  expectProblem(answer, name)
}

const HOSTILE_IDS = [
  '%00',
  'CUS-0001%00',
  '%2e%2e%2f',
  '..%2f..%2fetc%2fpasswd',
  '%0d%0aX-Evil:%201',
  'x%23file%23customer',
  '%25',
  '%',
  '%ff%fe',
  '%ed%a0%80',
  '%e2%80%ae',
  '%F0%9F%98%80',
  'constructor',
  '__proto__',
  'null',
  "'%20OR%201=1--",
  '*',
  'x'.repeat(100),
  'x'.repeat(101),
  'x'.repeat(3000),
]

describe('a body that can’t be read', () => {
  const bodies: [string, unknown, Record<string, string>?][] = [
    ['cut off', '{"name": "X"'],
    ['empty', ''],
    ['no JSON', 'name=X'],
    ['two documents', '{}{}'],
    ['trailing comma', '{"name": "X",}'],
    ['NaN', '{"size": NaN}'],
    ['an array', '[]'],
    ['null', 'null'],
    ['a number', '7'],
    ['a string', '"X"'],
    ['true', 'true'],
    ['nested too deep', `${'['.repeat(200_000)}${']'.repeat(200_000)}`],
    ['an object nested too deep', `${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`],
    ['a form', 'name=X', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['plain text', '{"name": "X"}', { 'content-type': 'text/plain' }],
    ['a multipart form', '--x--', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['no type', '{"name": "X"}', { 'content-type': '' }],
    ['XML', '<a/>', { 'content-type': 'application/xml' }],
    ['UTF-16', Buffer.from('{"name":"X"}', 'utf16le').toString('latin1')],
  ]

  it.each(bodies)('%s is a problem of the sender’s', async (what, body, headers) => {
    await leavesNothing(async () => {
      for (const { method, path } of (await operations()).filter(({ hasBody }) => hasBody)) {
        const answer = await t.ask(method, fill(path), body, undefined, headers)
        expectProblem(answer, [what, method, path])
        expect([400, 415, 422]).toContain(answer.status)
      }
    })
  })

  it('of two megabytes is too large', async () => {
    await leavesNothing(async () => {
      for (const { method, path } of await operations()) {
        if (method === 'GET') continue
        const answer = await t.ask(method, fill(path), `{"notes":"${'x'.repeat(2 * 1024 * 1024)}"}`)
        expectProblem(answer, [method, path])
        expect([path, answer.status, answer.body.code]).toEqual([path, 413, 'body-too-large'])
      }
    })
  })

  it('of just under one megabyte is read, and refused for what it says', async () => {
    await leavesNothing(async () => {
      for (const { method, path } of (await operations()).filter(({ hasBody }) => hasBody)) {
        const many = Array.from({ length: 20_000 }, (_, i) => [`field${i}-${'x'.repeat(20)}`, i])
        expectProblem(await t.ask(method, fill(path), Object.fromEntries(many)), [method, path])
        expectProblem(
          await t.ask(method, fill(path), { emails: Array(50_000).fill('x'), tags: Array(50_000).fill('y') }),
          [method, path],
        )
      }
    })
  })
})

describe('a body with a field nobody knows', () => {
  it('is refused by every operation, naming the field', async () => {
    await leavesNothing(async () => {
      for (const { method, path } of (await operations()).filter(({ hasBody }) => hasBody)) {
        for (const field of ['colour', 'pk', 'rev', '__proto__', 'constructor', 'x'.repeat(5000), 'a\0b', '\u202e']) {
          const type = path === '/api/customers' ? '"type":"company",' : ''
          const answer = await t.ask(method, fill(path), `{${type}${JSON.stringify(field)}:{"x":1}}`)
          expectProblem(answer, [method, path, field.slice(0, 20)])
          expect([path, answer.status, answer.body.code]).toEqual([path, 422, 'invalid-input'])
          const named = answer.body.errors.some((error: Json) => error.field === field.slice(0, 100))
          expect([method, path, field.slice(0, 20), named]).toEqual([method, path, field.slice(0, 20), true])
        }
      }
      expect(Object.hasOwn(Object.prototype, 'x')).toBe(false)
    })
  })

  it('or with a value of the wrong kind in any field that is known', async () => {
    const { paths, components } = (await t.ask('GET', '/api/openapi.json')).body
    const resolve = (schema: Json): Json =>
      schema.$ref ? resolve(components.schemas[schema.$ref.split('/').at(-1)]) : schema
    await leavesNothing(async () => {
      for (const { method, path } of (await operations()).filter(({ hasBody }) => hasBody)) {
        const schema = resolve(paths[path][method.toLowerCase()].requestBody.content['application/json'].schema)
        const variants: Json[] = (schema.oneOf ?? schema.anyOf ?? [schema]).map(resolve)
        for (const field of new Set(variants.flatMap((each) => Object.keys(each.properties ?? {})))) {
          for (const wrong of [{ $gt: '' }, [[]], 1e308, '\ud800', `a\0b`, '\u202e', 'x'.repeat(6000)]) {
            const answer = await t.ask(method, fill(path), JSON.stringify({ [field]: wrong }))
            // A long or a strange text may be an id like any other, which then isn't there.
            expectProblem(answer, [method, path, field, typeof wrong])
          }
        }
      }
    })
  })
})

describe('an address with a hostile id', () => {
  it('finds nothing, in every place where an id stands', async () => {
    await leavesNothing(async () => {
      for (const { method, path, open } of await operations()) {
        const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name ?? '')
        if (open) continue
        for (const name of names) {
          for (const id of HOSTILE_IDS) {
            const answer = await t.ask(
              method,
              fill(path, { ...ids, [name]: id }),
              method === 'GET' || method === 'DELETE' ? undefined : {},
            )
            // The journal of a document that was never there is empty, but there is no such path here.
            expectProblem(answer, [method, path, name, id.slice(0, 30)])
          }
        }
      }
    })
  })

  it('finds nothing with ids of the right form that nobody has', async () => {
    const ulid = '01ARZ3NDEKTSV4RRFFQ69G5FAV'
    const unknown: Record<string, string> = {
      ...{ customer: 'CUS-9999', folder: `fld_${ulid}`, document: `doc_${ulid}`, contact: `con_${ulid}` },
      ...{ grant: `grt_${ulid}`, key: `key_${ulid}`, n: '999999', email: 'nobody@archive.example' },
    }
    const valid: Record<string, object> = {
      merge: { into: other.id },
      contacts: { firstName: 'A', lastName: 'B' },
      folders: { name: 'X' },
      grants: { contactId: ids.contact, folderId: folder.id, permission: 'view' },
      documents: {
        uploadId: 'upl_X',
        folderId: folder.id,
        recordClass: 'report',
        title: 'X',
        documentDate: '2026-01-01',
      },
      discard: { reason: 'X' },
      versions: { uploadId: await t.upload(someBytes()), reason: 'X' },
    }
    await leavesNothing(async () => {
      for (const { method, path } of await operations()) {
        for (const [, name = ''] of path.matchAll(/\{(\w+)\}/g)) {
          const body =
            method === 'POST' ? (valid[path.split('/').at(-1) ?? ''] ?? {}) : method === 'PATCH' ? {} : undefined
          const answer = await t.ask(method, fill(path, { ...ids, [name]: unknown[name] ?? 'x' }), body)
          expectProblem(answer, [method, path, name])
          expect([method, path, name, answer.status]).toEqual([method, path, name, 404])
          expect(answer.body.code).toMatch(/-not-found$/)
        }
      }
    })
  })

  it('finds nothing under another customer', async () => {
    await leavesNothing(async () => {
      for (const { method, path } of await operations()) {
        if (!/\{customer\}.*\{/.test(path)) continue
        const body = path.endsWith('discard') ? { reason: 'X' } : path.endsWith('versions') ? { uploadId: 'upl_X' } : {}
        const answer = await t.ask(
          method,
          fill(path, { ...ids, customer: other.id }),
          method === 'GET' || method === 'DELETE' ? undefined : body,
        )
        expectProblem(answer, [method, path])
        expect([method, path, answer.status]).toEqual([method, path, 404])
      }
    })
  })

  it('or a path nobody serves is a problem document, too', async () => {
    for (const path of [
      '/api',
      '/api/',
      '/api/nothing',
      '/api/customers/CUS-0001/nothing',
      '/api//customers',
      `/api/${'x'.repeat(5000)}`,
      '/api/%00',
      '/api/..%2f..%2f',
    ]) {
      for (const method of ['GET', 'POST', 'PUT', 'DELETE', 'PATCH']) {
        const answer = await t.ask(method, path, method === 'GET' ? undefined : {})
        expectProblem(answer, [method, path.slice(0, 40)])
      }
    }
  })
})

describe('a question that can’t be answered', () => {
  const forged = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const CURSORS = [
    ...['', 'garbage', '%00', '%ff', '💥', '=', '{}', 'null', 'x'.repeat(400), 'x'.repeat(5000), '..%2f'],
    ...[
      {},
      [],
      null,
      7,
      'x',
      [1],
      [null],
      ['\0'],
      ['\ud800'],
      [['x']],
      ['a', 'b'],
      ['a', 'b', 'c'],
      ['x'.repeat(700)],
    ].map(forged),
    ...['name#', 'name#\0', 'created#', 'number#\ud800', 'term#x'].map((key) => Buffer.from(key).toString('base64url')),
  ]

  it('with an invalid cursor is told so, or answered from there, in every list', async () => {
    const lists = (await operations()).filter(({ query }) => query.includes('cursor'))
    expect(lists.length).toBeGreaterThanOrEqual(4)
    for (const { method, path, query } of lists) {
      for (const cursor of CURSORS) {
        const extras = [
          '',
          ...(query.includes('folder') ? [`&folder=${folder.id}`] : []),
          ...(query.includes('document') ? [`&document=${document.id}`] : []),
          ...(query.includes('sort') ? ['&sort=created', '&sort=number&order=desc', '&search=muster'] : []),
        ]
        for (const extra of extras) {
          const answer = await t.ask(method, `${fill(path)}?cursor=${cursor}${extra}`)
          expectAnswer(answer, [path, cursor.slice(0, 40), extra])
          if (answer.status >= 400) expect(['invalid-cursor', 'invalid-input']).toContain(answer.body.code)
        }
      }
      expect((await t.ask(method, `${fill(path)}?cursor=garbage`)).body.code).toBe('invalid-cursor')
    }
  })

  it('for a strange number of rows is refused', async () => {
    for (const { method, path } of (await operations()).filter(({ query }) => query.includes('limit'))) {
      for (const limit of [
        '-1',
        '0',
        '1e9',
        '99999999999999999999',
        '1.5',
        'NaN',
        'Infinity',
        'x',
        '%00',
        '1&limit=2',
        '[]',
      ]) {
        const answer = await t.ask(method, `${fill(path)}?limit=${limit}`)
        expectProblem(answer, [path, limit])
        expect(answer.body.code).toBe('invalid-input')
      }
    }
  })

  it('in any parameter is refused or answered, never a failure', async () => {
    const values = [
      '',
      '%00',
      'a%00b',
      '%ff',
      '%ed%a0%80',
      '%e2%80%ae',
      "'",
      '%25',
      '%23',
      '%',
      'x'.repeat(200),
      'x'.repeat(10_000),
      '[]',
      '__proto__',
      '2026-13-45',
      '../..',
      'fld_%2f',
    ]
    for (const { method, path, query } of await operations()) {
      for (const name of query) {
        for (const value of values) {
          expectAnswer(await t.ask(method, `${fill(path)}?${name}=${value}`), [path, name, value.slice(0, 30)])
          expectAnswer(await t.ask(method, `${fill(path)}?${name}=${value}&${name}=${value}`), [path, name, 'twice'])
        }
      }
      if (method === 'GET')
        expectAnswer(await t.ask(method, `${fill(path)}?%00=%00&__proto__=1&constructor[x]=1`), [path, 'unknown'])
    }
  })
})

describe('an If-Match that matches nothing', () => {
  it('stops every change that honours it', async () => {
    const bodies: Record<string, object> = {
      customer: { notes: 'X' },
      contact: { position: 'X' },
      folder: { name: 'X' },
      document: { title: 'X' },
      discard: { reason: 'X' },
    }
    const honouring = (await operations()).filter(({ ifMatch }) => ifMatch)
    expect(honouring.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'PATCH /api/customers/{customer}',
      'PATCH /api/customers/{customer}/contacts/{contact}',
      'PATCH /api/customers/{customer}/documents/{document}',
      'PATCH /api/customers/{customer}/folders/{folder}',
      'POST /api/customers/{customer}/documents/{document}/discard',
      'POST /api/customers/{customer}/documents/{document}/finalise',
      'POST /api/customers/{customer}/documents/{document}/versions',
    ])
    const uploadId = await t.upload(someBytes())
    await leavesNothing(async () => {
      for (const { method, path, hasBody } of honouring) {
        const last = path.split('/').at(-1)?.replace(/[{}]/g, '') ?? ''
        const body = last === 'versions' ? { uploadId, reason: 'X' } : hasBody ? (bodies[last] ?? {}) : undefined
        for (const tag of [
          '"0"',
          '"999"',
          '999',
          '"-1"',
          '"1',
          '""',
          '',
          'garbage',
          '"1e0"',
          '"٣"',
          `"${'9'.repeat(5000)}"`,
          'W/"7777"',
          '"1", "2"',
          '1',
        ]) {
          const encoded = Buffer.from(tag).toString('latin1')
          const answer = await t.ask(method, fill(path), body, undefined, { 'if-match': encoded })
          expectProblem(answer, [method, path, tag.slice(0, 20)])
          expect([method, path, tag.slice(0, 20), answer.status, answer.body.code]).toEqual([
            method,
            path,
            tag.slice(0, 20),
            412,
            'stale',
          ])
        }
      }
    })
  })
})

describe('an upload that is not what it said', () => {
  const put = async (
    url: string,
    bytes: Uint8Array | undefined,
    headers: Record<string, string> = { 'content-type': 'application/pdf' },
  ) => {
    const body = bytes && new Uint8Array(bytes)
    const length = { 'content-length': String(bytes?.length ?? 0) }
    const response = await t.archive.app.request(url, { method: 'PUT', headers: { ...length, ...headers }, body })
    const text = await response.text()
    return { status: response.status, body: text ? JSON.parse(text) : undefined, headers: response.headers }
  }
  const announce = async (bytes: Uint8Array): Promise<Json> =>
    (
      await t.ask('POST', '/api/uploads', {
        fileName: 'a.pdf',
        size: bytes.length,
        contentType: 'application/pdf',
        sha256: sha256(bytes),
      })
    ).body

  it('is refused and leaves nothing behind', async () => {
    const bytes = someBytes(2000)
    const { url, uploadId } = await announce(bytes)
    const input = { uploadId, folderId: folder.id, recordClass: 'report', title: 'X', documentDate: '2026-01-01' }
    await leavesNothing(async () => {
      for (const wrong of [bytes.subarray(1), Buffer.concat([bytes, bytes]), someBytes(2000), undefined]) {
        const refused = await put(url, wrong)
        expectProblem(refused, wrong?.length)
        expect(refused.body.code).toBe('upload-mismatch')
      }
      expectProblem(await put(url, bytes, { 'content-type': 'application/pdf', 'content-length': '5' }), 'length')
      expectProblem(await put(url, bytes, {}), 'type')
      expectProblem(await put(`${url.slice(0, -2)}xx`, bytes), 'signature')
      const vault = await t.archive.app.request(url.replace('/staging/', '/vault/'), { method: 'PUT', body: 'x' })
      expect(vault.status).toBe(404)
      expectProblem(await t.ask('POST', `/api/customers/${customer.id}/documents`, input), 'nothing arrived')
    })
    expect((await put(url, bytes)).status).toBe(200)
    expect((await put(url, bytes)).status).toBe(200)
    expect((await t.ask('POST', `/api/customers/${customer.id}/documents`, input)).status).toBe(201)
  })

  it('is refused a second time, once it is filed', async () => {
    const bytes = someBytes()
    const uploadId = await t.upload(bytes)
    const filed = { uploadId, folderId: folder.id, recordClass: 'report', title: 'X', documentDate: '2026-01-01' }
    await t.ask('POST', `/api/customers/${customer.id}/documents`, filed)
    await leavesNothing(async () => {
      for (const change of [{ title: 'Y' }, { documentDate: '2026-01-02' }, { final: true }, { tags: ['x'] }]) {
        const answer = await t.ask('POST', `/api/customers/${customer.id}/documents`, { ...filed, ...change })
        expect([answer.status, answer.body.code]).toEqual([409, 'upload-used'])
      }
    })
  })
})

describe('names that try to be something else', () => {
  const HOSTILE_NAMES = [
    ...[
      '',
      ' ',
      '\t',
      '.',
      '..',
      '../x',
      '..\\x',
      '/etc/passwd',
      'C:\\x',
      'a/b',
      'a\0b',
      'a\nb',
      'a\rb',
      'a\u001b[2Jb',
      'a\u007f',
      'a\u0085',
    ],
    ...['a\u202eb', 'a\u2066b', 'a\u200fb', 'a\u2028b', 'a\ufeffb', 'a\ud800b', 'x'.repeat(1000), 7, null, {}, ['x']],
  ]
  const places: [string, string, (name: unknown) => object][] = [
    ['a file', '/api/uploads', (fileName) => ({ fileName, size: 1, sha256: 'a'.repeat(64) })],
    ['a folder', '/api/customers/{customer}/folders', (name) => ({ name })],
    ['a template folder', 'PATCH /api/settings', (name) => ({ folderTemplate: [name] })],
  ]
  it.each(places)('are no name for %s', async (_what, place, bodyWith) => {
    const [method, path = ''] = place.includes(' ') ? place.split(' ') : ['POST', place]
    await leavesNothing(async () => {
      for (const name of HOSTILE_NAMES) {
        const answer = await t.ask(method ?? 'POST', fill(path), bodyWith(name))
        expectProblem(answer, JSON.stringify(name)?.slice(0, 40))
        expect([name, answer.status]).toEqual([name, 422])
      }
    })
  })

  it('are no name for a person, a company or a document either', async () => {
    await leavesNothing(async () => {
      for (const name of HOSTILE_NAMES) {
        // A slash is fine in what never becomes a file.
        if (typeof name === 'string' && /^[\w.:/\\]{1,20}$/.test(name)) continue
        for (const [path, body] of [
          ['/api/customers', { type: 'company', name }],
          ['/api/customers', { type: 'person', firstName: name, lastName: 'X' }],
          ['/api/customers/{customer}/contacts', { firstName: 'X', lastName: name }],
          ['/api/staff', { name, email: 'x@x.example', roles: ['clerk'] }],
          ['/api/keys', { name, roles: ['clerk'] }],
        ] as const) {
          const answer = await t.ask('POST', fill(path), body)
          expect([path, name, answer.status]).toEqual([path, name, 422])
        }
      }
    })
  })
})

describe('an error nobody foresaw', () => {
  it('keeps to itself what it knows, and leaves nothing half-written', async () => {
    const logged = vi.spyOn(console, 'error').mockImplementation(() => {})
    const failing = vi.spyOn(t.archive.table, 'transact').mockImplementation(async () => {
      throw new Error('disk of Geheim & Söhne is full at /var/lib/registratur')
    })
    try {
      await leavesNothing(async () => {
        const { status, body, headers } = await t.ask('POST', '/api/customers', {
          type: 'company',
          name: 'Geheim & Söhne',
        })
        expect([status, body.code, headers.get('content-type')]).toEqual([
          500,
          'unexpected',
          'application/problem+json',
        ])
        expect(JSON.stringify(body)).not.toMatch(/disk|Geheim|var/)
      })
      const lines = logged.mock.calls.flat().join('\n')
      expect(lines).toContain('"level":"error"')
      expect(lines).not.toMatch(/Geheim|disk/)
    } finally {
      failing.mockRestore()
      logged.mockRestore()
    }
  })
})
