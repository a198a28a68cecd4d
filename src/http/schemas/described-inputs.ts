/**
 * The OpenAPI document of the routes, and the inputs of a model → the same document with what an install of that model is, with
 * examples of it, and with its facets.
 */
import type { Field, InputSchema } from '../../inputs/index.ts'
import { ACCURACY_GROUPS } from '../../prediction-log/index.ts'
import { CSV, NDJSON } from '../streams/index.ts'
import { installSchemaOf } from './install.ts'

// What is read of the document; @fastify/swagger has it as any.
interface Document {
  readonly components?: { readonly schemas?: Record<string, unknown> }
  readonly paths?: Record<string, { readonly post?: Operation; readonly get?: Question }>
}

interface Question {
  readonly parameters?: readonly { readonly name: string; readonly schema: { enum?: readonly string[] } }[]
}

interface Operation {
  readonly requestBody?: { readonly content: Record<string, { example?: unknown }> }
}

/** Changes the document. */
export function describeInputs<Described extends object>(
  described: Described,
  inputs: InputSchema,
): Described {
  const { components, paths } = described as Document
  // Without what TypeBox notes in it for itself.
  if (components?.schemas) components.schemas['Install'] = JSON.parse(JSON.stringify(installSchemaOf(inputs)))
  const by = paths?.['/accuracy']?.get?.parameters?.find(({ name }) => name === 'by')
  if (by)
    by.schema.enum = [...new Set([...ACCURACY_GROUPS, ...inputs.withRole('facet').map(({ name }) => name)])]
  const content = paths?.['/batch_predict']?.post?.requestBody?.content
  const example = exampleOf(inputs)
  const set = (type: string, text: string): void => {
    if (content?.[type]) content[type].example = text
  }
  set(NDJSON, `${JSON.stringify(example)}\n`)
  set(
    CSV,
    `${inputs.fields.map(({ column }) => cellOf(column)).join()}\n${Object.values(example).map(cellOf).join()}\n`,
  )
  return described
}

type JsonValue = string | number | boolean | null

export function exampleOf({ fields }: InputSchema): Readonly<Record<string, JsonValue>> {
  return Object.fromEntries(fields.map((field) => [field.name, field.example ?? anyValueOf(field)]))
}

/** Of a field without an example. */
function anyValueOf({ kind, nullable, minimum, maximum }: Field): JsonValue {
  if (nullable) return null
  if (kind === 'number') return Math.max(minimum, Math.min(maximum, 0))
  return { text: '', boolean: false, time: '2026-01-01T00:00:00.000Z' }[kind]
}

function cellOf(value: JsonValue): string {
  const text = String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
