/**
 * Ajv's errors → texts for people: the field, what was expected, what came. Nothing is coerced, filled in or removed.
 * A schema with a pattern or a format says in `x-expected` what that means.
 */
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { describeValue } from '../../inputs/index.ts'
import { listed } from '../listed.ts'

/** An error as Ajv gives it with `verbose`. */
export interface ValidationError {
  readonly keyword: string
  readonly instancePath: string
  readonly params: Readonly<Record<string, unknown>>
  readonly message?: string
  readonly data?: unknown
  readonly parentSchema?: Readonly<Record<string, unknown>>
}

export const ajvOptions: NonNullable<FastifyServerOptions['ajv']> = {
  customOptions: {
    coerceTypes: false,
    removeAdditional: false,
    useDefaults: false,
    allowUnionTypes: true,
    verbose: true,
    keywords: ['x-expected'],
  },
}

const NO_PARAMETERS = { type: 'object', properties: {}, additionalProperties: false }

/** A route that takes no parameters refuses them; of those of protocols that others have made, clients may send what they like. */
export function refuseUnknownParameters(app: FastifyInstance): void {
  app.addHook('onRoute', (route) => {
    const { scope } = route.config ?? {}
    if (scope === undefined || scope === 'open' || scope === 'metrics') return
    if (!route.schema?.querystring && !route.schema?.tags?.includes('protocols'))
      route.schema = { ...route.schema, querystring: NO_PARAMETERS }
  })
}

/**
 * @param whole what to call the validated value as a whole, e.g. `body`
 * @param show how what came is told: its kind and its beginning, or its kind only
 */
export function explain(
  errors: readonly ValidationError[] | null | undefined,
  whole: string,
  show: (data: unknown) => string = describe,
): string {
  const error = errors?.[0]
  if (!error) return `${whole}: not as described`
  const { keyword, params, instancePath, data, parentSchema } = error
  const place = instancePath === '' ? whole : placeIn(instancePath)
  switch (keyword) {
    case 'required':
      return `${inside(place, whole, params['missingProperty'])}: expected, but it is missing`
    case 'additionalProperties':
      return `${inside(place, whole, params['additionalProperty'])}: unknown field; expected ${fieldsOf(parentSchema)}`
    case 'type':
      return `${place}: expected ${[params['type']].flat().join(' or ')}, got ${show(data)}`
    case 'minimum':
      return `${place}: expected a number ≥ ${String(params['limit'])}, got ${show(data)}`
    case 'maximum':
      return `${place}: expected a number ≤ ${String(params['limit'])}, got ${show(data)}`
    case 'minItems':
      return `${place}: expected at least ${String(params['limit'])}, got ${lengthOf(data)}`
    case 'maxItems':
      return `${place}: expected at most ${String(params['limit'])}, got ${lengthOf(data)}`
    case 'maxLength':
      return `${place}: expected at most ${String(params['limit'])} characters, got ${lengthOf(data)}`
    case 'minLength':
      return `${place}: expected ${String(params['limit'])} or more characters, got ${lengthOf(data)}`
    case 'enum':
      return `${place}: expected one of ${[params['allowedValues']].flat().map(String).join(', ')}, got ${show(data)}`
    case 'pattern':
    case 'format':
      return `${place}: expected ${String(parentSchema?.['x-expected'])}, got ${show(data)}`
    default:
      return `${place}: ${error.message ?? keyword}`
  }
}

/** A JSON pointer, in which a slash of a name is `~1` and a tilde `~0`. */
const placeIn = (pointer: string): string =>
  pointer.slice(1).replaceAll('/', '.').replaceAll('~1', '/').replaceAll('~0', '~')

const inside = (place: string, whole: string, key: unknown): string =>
  place === whole ? String(key) : `${place}.${String(key)}`

function fieldsOf(schema: ValidationError['parentSchema']): string {
  const fields = Object.keys(schema?.['properties'] ?? {})
  return fields.length > 0 ? `only ${listed(fields)}` : 'none'
}

/** What came: its type and its beginning. */
export function describe(value: unknown): string {
  if (toJson(value) !== null) return describeValue(value)
  return `${Array.isArray(value) ? 'array' : typeof value} nested too deeply to be shown`
}

/** @returns null for what is nested so deeply that it can be read as JSON, but not written */
export function toJson(value: unknown): string | null {
  try {
    return JSON.stringify(value)
  } catch {
    return null
  }
}

/** Characters as JSON Schema counts them: code points. */
const lengthOf = (data: unknown): number => [...(data as Iterable<unknown>)].length
