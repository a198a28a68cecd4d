/**
 * `client-type`: a running service → the TypeScript type of an install of its champion, for `createClient` of `day7/client`.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { argumentsOf, type Option, required, UsageError } from './usage.ts'

export const CLIENT_TYPE_OPTIONS: readonly Option[] = [
  { name: 'out', value: 'FILE', about: 'where to write it, .ts; left out: standard output' },
  {
    name: 'key-file',
    value: 'FILE',
    about: 'an API key with the scope read, where the service asks for one',
  },
]

/** What is read of the answer of `GET /model/inputs`. */
interface Described {
  readonly model: { readonly name: string; readonly version: string }
  readonly schema_id: string
  readonly target: { readonly name: string; readonly horizon_days: number; readonly unit: string | null }
  readonly inputs: readonly DescribedField[]
}

interface DescribedField {
  readonly field: string
  readonly kind: keyof typeof TYPES
  readonly nullable: boolean
  readonly required: boolean
  readonly minimum: number | null
  readonly maximum: number | null
  readonly format: string | null
  readonly description: string | null
  readonly unit: string | null
  readonly example: unknown
}

/** As a request has them. */
const TYPES = { text: 'string', number: 'number', boolean: 'boolean', time: 'string | number' } as const
const TIMES: Readonly<Record<string, string>> = {
  iso: 'ISO 8601 or an epoch.',
  day_first: 'Day/month/year, ISO 8601 or an epoch.',
  month_first: 'Month/day/year, ISO 8601 or an epoch.',
}
/** The size of a bound that stands for none. */
const UNBOUNDED = 1e300
const ANSWERS_WITHIN_MS = 30_000

export async function clientType(args: readonly string[]): Promise<void> {
  const { values, positionals } = argumentsOf('client-type', args, CLIENT_TYPE_OPTIONS, 1)
  const url = required('client-type', positionals[0], 'the URL of a service')
  if (!/^https?:\/\//.test(url) || !URL.canParse(url))
    throw new UsageError(`client-type: expected a URL such as http://127.0.0.1:5001, got ${url}`)
  const keyFile = values['key-file']
  const key = keyFile === undefined ? null : (await readFile(keyFile, 'utf8')).trim()
  const text = installTypeOf(await askForInputs(url, key))
  if (values['out'] === undefined) process.stdout.write(text)
  else await writeFile(values['out'], text)
}

export function installTypeOf({ model, schema_id, target, inputs }: Described): string {
  const { name, horizon_days: days, unit } = target
  const predicted = `${name} of the first ${days} ${days === 1 ? 'day' : 'days'}${unit === null ? '' : `, in ${unit}`}`
  return [
    `// Made by day7 client-type, of ${inline(`${model.name} ${model.version}`)}, which predicts ${inline(predicted)}.`,
    `// Input schema ${schema_id}.`,
    '',
    '/** One player’s record at prediction time. */',
    'export interface Install {',
    ...inputs.flatMap(linesOf),
    '  /** The studio’s own id of the player; kept in the log, not used for the prediction. */',
    '  user_id?: string | null',
    '}',
    '',
  ].join('\n')
}

function linesOf(field: DescribedField): string[] {
  const { field: name, kind, nullable, required } = field
  const about = aboutOf(field)
  // Every object has such a member, so that one without it would be of another type.
  const mayBeAbsent = !required && !(name in {})
  const type = nullable ? `${TYPES[kind]} | null` : TYPES[kind]
  return [
    ...(about === '' ? [] : [`  /** ${about} */`]),
    `  ${/^[A-Za-z_$][\w$]*$/.test(name) ? name : JSON.stringify(name)}${mayBeAbsent ? '?' : ''}: ${type}`,
  ]
}

/** What the type does not say. */
function aboutOf({ description, unit, minimum, maximum, format, example }: DescribedField): string {
  const least = minimum === null || minimum <= -UNBOUNDED ? '' : `≥ ${minimum}`
  const most = maximum === null || maximum >= UNBOUNDED ? '' : `≤ ${maximum}`
  const bounds = [least, most].filter(Boolean).join(', ')
  return [
    description ?? '',
    unit === null ? '' : `Unit: ${unit}.`,
    bounds === '' ? '' : `${bounds}.`,
    format === null ? '' : (TIMES[format] ?? ''),
    example === null ? '' : `For example: ${JSON.stringify(example)}`,
  ]
    .filter(Boolean)
    .map(inline)
    .join(' ')
}

/** A text for a comment: in one line, and without its end. */
const inline = (text: string): string =>
  text
    .replaceAll(/\s+/g, ' ')
    .replaceAll('*/', String.raw`*\/`)
    .trim()

async function askForInputs(url: string, key: string | null): Promise<Described> {
  const asked = `${url.replace(/\/$/, '')}/model/inputs`
  const response = await fetch(asked, {
    headers: key === null ? {} : { authorization: `Bearer ${key}` },
    signal: AbortSignal.timeout(ANSWERS_WITHIN_MS),
  }).catch((cause: Error) => {
    const why = cause.cause instanceof Error ? cause.cause.message : cause.message
    throw new Error(`${asked}: expected the inputs of a model, got no answer: ${why}`, { cause })
  })
  const answer = (await response.json().catch(() => null)) as (Described & { message?: unknown }) | null
  if (!response.ok) {
    const why = typeof answer?.message === 'string' ? `: ${answer.message}` : ''
    throw new Error(`${asked}: expected the inputs of a model, got status ${response.status}${why}`)
  }
  if (!Array.isArray(answer?.inputs) || typeof answer.schema_id !== 'string')
    throw new Error(`${asked}: expected the inputs of a model of Day7, got another answer`)
  return answer
}
