/** The parts of an OpenAPI 3.1 document that the reference shows. */
export interface Schema {
  $ref?: string
  type?: string | string[]
  format?: string
  description?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  example?: unknown
  pattern?: string
  minimum?: number
  maximum?: number
  minLength?: number
  maxLength?: number
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  additionalProperties?: Schema | boolean
  oneOf?: Schema[]
  anyOf?: Schema[]
  allOf?: Schema[]
}

interface Parameter {
  name: string
  in: string
  required?: boolean
  description?: string
  schema?: Schema
}

interface Content {
  schema?: Schema
}

interface RawOperation {
  tags?: string[]
  summary?: string
  description?: string
  operationId?: string
  parameters?: Parameter[]
  requestBody?: { content?: Record<string, Content>; required?: boolean }
  responses?: Record<string, { description?: string; content?: Record<string, Content> }>
}

export interface OpenApi {
  info?: { title?: string; version?: string; description?: string }
  paths?: Record<string, Record<string, RawOperation> & { parameters?: Parameter[] }>
  components?: { schemas?: Record<string, Schema> }
}

export interface Operation {
  id: string
  method: string
  path: string
  summary: string
  description?: string
  parameters: Parameter[]
  body?: { type: string; schema: Schema }
  responses: { status: string; description: string; schema?: Schema }[]
  curl: string
}

const METHODS = ['get', 'head', 'post', 'put', 'patch', 'delete']

/** Operations by tag, in the document's own order. */
export function operationsByTag(document: OpenApi): [tag: string, operations: Operation[]][] {
  const tags = new Map<string, Operation[]>()
  for (const [path, item] of Object.entries(document.paths ?? {})) {
    for (const method of METHODS) {
      const raw = item[method] as RawOperation | undefined
      if (!raw) continue
      const tag = raw.tags?.[0] ?? path.split('/')[2] ?? 'api'
      const operation = read(document, method, path, raw, item.parameters ?? [])
      tags.set(tag, [...(tags.get(tag) ?? []), operation])
    }
  }
  return [...tags]
}

function read(document: OpenApi, method: string, path: string, raw: RawOperation, shared: Parameter[]): Operation {
  const [type, content] = Object.entries(raw.requestBody?.content ?? {})[0] ?? []
  const body = type && content?.schema ? { type, schema: content.schema } : undefined
  const responses = Object.entries(raw.responses ?? {}).map(([status, { description = '', content }]) => ({
    status,
    description,
    schema: Object.values(content ?? {})[0]?.schema,
  }))
  const id = `${method}-${path.replace(/[^a-zA-Z0-9]+/g, '-').replace(/^-|-$/g, '')}`
  const parameters = [...shared, ...(raw.parameters ?? [])]
  const { summary = '', description } = raw
  return {
    id,
    method,
    path,
    summary,
    description,
    parameters,
    body,
    responses,
    curl: curl(document, method, path, body?.schema),
  }
}

export const refName = (schema: Schema) => schema.$ref?.split('/').at(-1)

function resolve(document: OpenApi, schema: Schema | undefined): Schema {
  const name = schema && refName(schema)
  return (name ? document.components?.schemas?.[name] : schema) ?? {}
}

/** A type as it is read aloud: `string (date)`, `list of Document`. */
export function typeText(schema: Schema): string {
  const name = refName(schema)
  if (name) return name
  const variants = schema.oneOf ?? schema.anyOf
  if (variants) return variants.map(typeText).join(' or ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.type === 'array') return `list of ${typeText(schema.items ?? {})}`
  const type = Array.isArray(schema.type) ? schema.type.join(' or ') : (schema.type ?? 'any')
  return schema.format ? `${type} (${schema.format})` : type
}

/** What a value must satisfy beyond its type. */
export function limits({ minLength, maxLength, minimum, maximum, default: fallback }: Schema): string[] {
  const texts: string[] = []
  if (minLength) texts.push(`≥ ${minLength}`)
  if (maxLength !== undefined) texts.push(`≤ ${maxLength}`)
  if (minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER) texts.push(`≥ ${minimum}`)
  if (maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER) texts.push(`≤ ${maximum}`)
  if (fallback !== undefined) texts.push(`= ${JSON.stringify(fallback)}`)
  return texts
}

/** The fields of an object, whichever way the schema composes it. */
export function fieldsOf(
  document: OpenApi,
  schema: Schema | undefined,
): { name: string; schema: Schema; required: boolean }[] {
  const { properties = {}, required = [], allOf = [] } = resolve(document, schema)
  const own = Object.entries(properties).map(([name, field]) => ({
    name,
    schema: field,
    required: required.includes(name),
  }))
  return [...allOf.flatMap((part) => fieldsOf(document, part)), ...own]
}

/** Several shapes of which one is meant; a single shape otherwise. */
export function variantsOf(document: OpenApi, schema: Schema | undefined): Schema[] {
  const { oneOf, anyOf } = resolve(document, schema)
  return oneOf ?? anyOf ?? (schema ? [schema] : [])
}

function example(document: OpenApi, schema: Schema, depth = 0): unknown {
  const resolved = resolve(document, schema)
  const {
    example: given,
    const: constant,
    enum: values,
    default: fallback,
    oneOf,
    anyOf,
    items,
    type,
    format,
  } = resolved
  if (given !== undefined) return given
  if (constant !== undefined) return constant
  if (values) return values[0]
  if (fallback !== undefined) return fallback
  const [variant] = oneOf ?? anyOf ?? []
  if (variant) return example(document, variant, depth)
  if (type === 'array') return items && depth < 2 ? [example(document, items, depth + 1)] : []
  if (type === 'object' || resolved.properties) {
    const fields = fieldsOf(document, resolved).filter(({ required }) => required)
    return Object.fromEntries(fields.map(({ name, schema }) => [name, example(document, schema, depth + 1)]))
  }
  if (type === 'boolean') return false
  if (type === 'integer' || type === 'number') return 1
  if (format === 'date') return '2026-01-31'
  return '…'
}

function curl(document: OpenApi, method: string, path: string, body?: Schema): string {
  const lines = [
    `curl ${method === 'get' ? '' : `-X ${method.toUpperCase()} `}"$URL${path}"`,
    `-H "Authorization: Bearer $KEY"`,
  ]
  if (body) {
    lines.push(`-H "Content-Type: application/json"`)
    lines.push(`-d '${JSON.stringify(example(document, body))}'`)
  }
  return lines.join(' \\\n  ')
}
