/**
 * An object of JSON → an install, or what is wrong with it first.
 */
import {
  describeValue,
  Fault,
  type InputSchema,
  kindOf,
  type Row,
  rowFromObject,
  type TextRule,
  valueFromJson,
} from '../inputs/index.ts'
import { knownNames, listNames, type Naming, userIdName } from './columns.ts'
import { rowFault } from './errors.ts'
import { type Others, type ReadInstall, USER_ID_FIELD } from './install.ts'

export type JsonObject = Readonly<Record<string, unknown>>

export interface ObjectRules {
  /** `strict` in requests, `cell` in lines of NDJSON. */
  readonly text: TextRule
  readonly naming: Naming
  readonly others: Others
  /** Schemas that `rowFor` may be asked for: their fields are known, too. */
  readonly otherSchemas?: readonly InputSchema[]
}

export class ObjectReader {
  readonly #schema: InputSchema
  readonly #rules: ObjectRules
  readonly #known: ReturnType<typeof knownNames> | null
  readonly #userIdName: string

  constructor(schema: InputSchema, rules: ObjectRules) {
    this.#schema = schema
    this.#rules = rules
    this.#known = rules.others === 'refused' ? knownNames(schema, rules.naming, rules.otherSchemas) : null
    this.#userIdName = userIdName(schema, rules.naming)
  }

  read(value: unknown): ReadInstall | Fault {
    if (!isObject(value))
      return rowFault(`expected object, got ${describeValue(value)}`, `expected object, got ${kindOf(value)}`)
    const row = this.#rowOf(this.#schema, value)
    if (row instanceof Fault && row.problem === ABSENT) return row
    const unknown = this.#known && Object.keys(value).find((name) => !this.#known!.all.has(name))
    if (unknown != null) {
      const problem = `unknown field; expected only ${listNames(this.#known!.listed)}`
      return new Fault(unknown, problem, problem)
    }
    if (row instanceof Fault) return row
    const userId = value[this.#userIdName] ?? null
    const fault = userIdFault(userId)
    if (fault) return fault
    return {
      row,
      userId: userId as string | null,
      rowFor: (other) => {
        const row = this.#rowOf(other, value)
        return row instanceof Fault ? null : row
      },
    }
  }

  #rowOf(schema: InputSchema, object: JsonObject): Row | Fault {
    const { text, naming } = this.#rules
    const byName = naming === 'columns' && hasOtherColumns(schema) ? renamed(schema, object) : object
    return rowFromObject(schema, byName, { text })
  }
}

/** What is wrong with a user's id in JSON. */
export function userIdFault(userId: unknown): Fault | null {
  if (userId === null) return null
  const read = valueFromJson(USER_ID_FIELD, userId)
  if (read instanceof Fault) return read
  return userId === '' ? new Fault(USER_ID_FIELD.name, TOO_SHORT, TOO_SHORT) : null
}

/** Of a field that has to be there. */
const ABSENT = 'expected, but it is missing'
const TOO_SHORT = 'expected 1 or more characters, got 0'

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const withOtherColumns = new WeakMap<InputSchema, boolean>()

function hasOtherColumns(schema: InputSchema): boolean {
  let has = withOtherColumns.get(schema)
  if (has === undefined) {
    has = schema.fields.some(({ name, column }) => name !== column)
    withOtherColumns.set(schema, has)
  }
  return has
}

/** The column counts; where it is not there, the field's own name does, unless that is another field's column. */
function renamed({ fields }: InputSchema, object: JsonObject): JsonObject {
  const columns = new Set(fields.map(({ column }) => column))
  return Object.fromEntries(
    fields.flatMap(({ name, column }) => {
      if (Object.hasOwn(object, column)) return [[name, object[column]]]
      return Object.hasOwn(object, name) && !columns.has(name) ? [[name, object[name]]] : []
    }),
  )
}
