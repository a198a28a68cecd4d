/**
 * The OpenAPI document of the routes, and the inputs of a model → the same document with what an install of that model is, with
 * examples of it, and with its facets.
 */
import { type Field, type InputSchema, type Target, tensorDatatypes } from '../../inputs/index.ts'
import { ACCURACY_GROUPS } from '../../prediction-log/index.ts'
import { CSV, NDJSON } from '../streams/index.ts'
import { asMarkdown, installSchemaOf } from './install.ts'

// What is read of the document; @fastify/swagger has it as any.
interface Document {
  readonly info?: { description?: string }
  readonly components?: { readonly schemas?: Record<string, unknown> }
  readonly paths?: Record<string, { readonly post?: Operation; readonly get?: Question }>
}

interface Question {
  readonly parameters?: readonly { readonly name: string; readonly schema: { enum?: readonly string[] } }[]
}

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { example?: unknown; readonly schema?: Schema }> }
}

interface Schema {
  examples?: unknown[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
}

/** What the service is, whichever model is in service. */
export const INTRODUCTION =
  'Predicts the revenue that a player brings after installing a mobile game, within the horizon of the model in service.'

/** Changes the document. */
export function describeInputs<Described extends object>(
  described: Described,
  inputs: InputSchema,
): Described {
  const { info, components, paths } = described as Document
  if (info) info.description = `${INTRODUCTION} ${horizonOf(inputs.target)}`
  // Without what TypeBox notes in it for itself.
  if (components?.schemas) components.schemas['Install'] = JSON.parse(JSON.stringify(installSchemaOf(inputs)))
  const by = paths?.['/accuracy']?.get?.parameters?.find(({ name }) => name === 'by')
  if (by)
    by.schema.enum = [...new Set([...ACCURACY_GROUPS, ...inputs.withRole('facet').map(({ name }) => name)])]
  const content = paths?.['/batch_predict']?.post?.requestBody?.content
  for (const [path, { post }] of Object.entries(paths ?? {}))
    if (path.startsWith('/v2/models/') && post) describeTensor(post, inputs)
  const cells = inputs.fields.map(exampleOfField)
  const set = (type: string, text: string): void => {
    if (content?.[type]) content[type].example = text
  }
  set(NDJSON, `${JSON.stringify(exampleOf(inputs))}\n`)
  set(CSV, `${inputs.fields.map(({ column }) => cellOf(column)).join()}\n${cells.map(cellOf).join()}\n`)
  return described
}

/** An input tensor that the model has, for an example. */
function describeTensor({ requestBody }: Operation, { fields }: InputSchema): void {
  const field = fields.find(({ kind }) => kind === 'number') ?? fields[0]!
  const example = exampleOfField(field)
  const [datatype] = tensorDatatypes(field.kind)
  for (const { schema } of Object.values(requestBody?.content ?? {})) {
    const tensor = schema?.properties?.['inputs']?.items?.properties
    if (!tensor) continue
    tensor['name']!.examples = [field.name]
    // A time may be written as a text.
    tensor['datatype']!.examples = [field.kind === 'time' && typeof example === 'string' ? 'BYTES' : datatype]
    tensor['data']!.examples = [[example]]
  }
}

function horizonOf({ name, horizonDays, unit }: Target): string {
  const days = horizonDays === 1 ? 'first day' : `first ${horizonDays} days`
  return `The one that is described here predicts ${asMarkdown(name)} of the ${days} after the install${unit === null ? '' : `, in ${asMarkdown(unit)}`}.`
}

type JsonValue = string | number | boolean | null

export function exampleOf({ fields }: InputSchema): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(fields.map((field) => [field.name, exampleOfField(field)]))
}

const exampleOfField = (field: Field): JsonValue => field.example ?? anyValueOf(field)

/** Of a field without an example. */
function anyValueOf({ kind, nullable, minimum, maximum }: Field): JsonValue {
  if (nullable) return null
  if (kind === 'number') return Math.max(minimum, Math.min(maximum, 0))
  return { text: 'any', boolean: false, time: '2026-01-01T00:00:00.000Z' }[kind]
}

function cellOf(value: JsonValue): string {
  const text = String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
