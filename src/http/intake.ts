/**
 * What was sent as an install → a row of the inputs of the model that answers, or what is wrong with it. Strict: every required field is
 * present, nothing is coerced, nothing unknown is let through.
 *
 * The row's reader, compiled when a model comes into service, decides; its rules are those of all roads. What it refuses is said in the
 * words of JSON Schema, as for every other body. (Ajv's own function of 500 fields takes a second to compile, and one of 2,000 overflows
 * the stack: test/http/intake.test.ts holds the two together where there are few.)
 *
 * Where a challenger takes other fields than the champion, a request is read by the champion's inputs. Fields that the challenger alone
 * knows may come with it, and are not looked at unless the challenger is asked.
 */
import {
  Fault,
  type Field,
  type InputSchema,
  jsonSchemaOf,
  type Row,
  rowFromObject,
  STORABLE_TEXT,
} from '../inputs/index.ts'
import { listed } from './listed.ts'
import { describe } from './plugins/validation.ts'
import { STORABLE, USER_ID } from './schemas/install.ts'

/** An install that was read. */
export interface ReadInstall {
  readonly row: Row
  readonly userId: string | null
  /** The row that a model with these other inputs takes; null: what was sent has not what it needs. */
  rowFor(other: InputSchema): Row | null
}

/** What a request is read by. */
export interface Asked {
  readonly inputs: InputSchema
  /** Of a challenger that takes other fields; null where there is none. */
  readonly otherInputs: InputSchema | null
}

/** How a value that is refused is shown: `describe`, or not at all. */
export type Show = (value: unknown) => string

type JsonObject = Readonly<Record<string, unknown>>

export class Intake {
  readonly inputs: InputSchema
  readonly #known: ReadonlySet<string>
  /** Keys of a request with all fields and nothing else; NaN where a field may be left out. */
  readonly #keyCount: number

  constructor({ inputs, otherInputs }: Asked) {
    this.inputs = inputs
    const names = inputs.fields.map(({ name }) => name)
    const others = otherInputs?.fields.map(({ name }) => name) ?? []
    this.#known = new Set([...names, ...others, USER_ID])
    this.#keyCount = inputs.fields.every(({ required }) => required) ? names.length : NaN
    // Compiles the reader.
    rowFromObject(inputs, {}, REQUEST)
  }

  /**
   * @param whole what to call the value as a whole, e.g. `body`
   * @returns the text of what is wrong with it first, where something is
   */
  read(input: unknown, whole: string, show: Show = describe): ReadInstall | string {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      return `${whole}: expected object, got ${show(input)}`
    const sent = input as JsonObject
    const row = rowFromObject(this.inputs, sent, REQUEST)
    const userId = sent[USER_ID] as string | null | undefined
    if (row instanceof Fault || !this.#knowsKeys(sent, userId !== undefined))
      return this.#explain(sent, row instanceof Fault ? row : null, show)
    const fault = userId === undefined || userId === null ? null : userIdFault(userId, show)
    if (fault !== null) return fault
    return {
      row,
      userId: userId ?? null,
      rowFor: (other) => {
        const read = rowFromObject(other, sent, REQUEST)
        return read instanceof Fault ? null : read
      },
    }
  }

  #knowsKeys(sent: object, hasUserId: boolean): boolean {
    const keys = Object.keys(sent)
    return keys.length === this.#keyCount + (hasUserId ? 1 : 0) || keys.every((key) => this.#known.has(key))
  }

  /** What is missing first, then what is unknown, then what is wrong. */
  #explain(sent: JsonObject, fault: Fault | null, show: Show): string {
    const { fields } = this.inputs
    const missing = fields.find(({ name, required }) => required && !Object.hasOwn(sent, name))
    if (missing) return `${missing.name}: expected, but it is missing`
    const unknown = Object.keys(sent).find((key) => !this.#known.has(key))
    if (unknown !== undefined)
      return `${unknown}: unknown field; expected only ${listed([...fields.map(({ name }) => name), USER_ID])}`
    // Where nothing is unknown, the reader has refused a value.
    const { field: name, message, brief } = fault!
    const types = typesOf(fields[this.inputs.indexOf(name)]!)
    const value = sent[name]
    if (!types.includes(typeOf(value))) return `${name}: expected ${types.join(' or ')}, got ${show(value)}`
    return show === describe ? message : brief
  }
}

const REQUEST = { text: 'strict' } as const

/** In JSON Schema. */
const typesOf = (field: Field): readonly string[] =>
  [(jsonSchemaOf(field) as { readonly type: string | readonly string[] }).type].flat()

const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value

function userIdFault(userId: unknown, show: Show): string | null {
  if (typeof userId !== 'string') return `${USER_ID}: expected string or null, got ${show(userId)}`
  if (userId === '') return `${USER_ID}: expected 1 or more characters, got 0`
  const { maxLength } = STORABLE
  // A text has at most as many code points as units.
  const length = userId.length > maxLength ? [...userId].length : 0
  if (length > maxLength) return `${USER_ID}: expected at most ${maxLength} characters, got ${length}`
  if (userId.includes('\0') || !userId.isWellFormed())
    return `${USER_ID}: expected ${STORABLE_TEXT}, got ${show(userId)}`
  return null
}

/** Intakes that are kept; those of models that left service longest ago are given up. */
const MAX_INTAKES = 16

/** The intakes of the models in service. */
export class Intakes {
  readonly #intakes = new Map<string, Intake>()
  #last: { readonly asked: Asked; readonly intake: Intake } | null = null

  of(asked: Asked): Intake {
    const last = this.#last
    if (last && last.asked.inputs === asked.inputs && last.asked.otherInputs === asked.otherInputs)
      return last.intake
    const key = `${asked.inputs.id} ${asked.otherInputs?.id ?? ''}`
    const intake = this.#intakes.get(key) ?? new Intake(asked)
    this.#intakes.delete(key)
    this.#intakes.set(key, intake)
    if (this.#intakes.size > MAX_INTAKES) this.#intakes.delete(this.#intakes.keys().next().value!)
    this.#last = { asked, intake }
    return intake
  }

  /** The schema of that id, if it is of an intake that is kept. */
  schemaOf(id: string): InputSchema | null {
    for (const { inputs } of this.#intakes.values()) if (inputs.id === id) return inputs
    return null
  }
}
