/**
 * What was sent as an install → a row of the schema of the model that answers, or what is wrong with it. The schema of requests is built
 * from the model's inputs and compiled once, when the model comes into service.
 *
 * Where a challenger takes other fields than the champion, a request is read by the champion's schema. Fields that the challenger alone
 * knows may come with it, and are not looked at unless the challenger is asked.
 */
import { Fault, type InputSchema, type Row, rowFromObject } from '../inputs/index.ts'
import type { App } from './context.ts'
import { describe, explain, type ValidationError } from './plugins/validation.ts'
import { installSchemaOf, STORABLE, USER_ID } from './schemas/install.ts'

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

/** A compiled schema; after a refusal it has the errors. */
interface Check {
  (input: unknown): boolean
  errors?: readonly ValidationError[] | null
}

/** How a value that is refused is shown. */
export type Show = (value: unknown) => string

/**
 * An install is accepted by the reader of its row, which is fast, and whose rules other roads share. What it refuses, the compiled schema of
 * requests explains; the reader does where the schema cannot say what is wrong, such as with a time.
 */
export class Intake {
  readonly inputs: InputSchema
  readonly #check: Check
  readonly #known: ReadonlySet<string>
  /** Of a request with all fields and nothing else; NaN where a field may be left out. */
  readonly #keyCount: number

  constructor({ inputs, otherInputs }: Asked, compile: (schema: object) => Check) {
    this.inputs = inputs
    const names = inputs.fields.map(({ name }) => name)
    const more = otherInputs?.fields.map(({ name }) => name).filter((name) => inputs.indexOf(name) < 0) ?? []
    this.#known = new Set([...names, ...more, USER_ID])
    this.#keyCount = inputs.fields.every(({ required }) => required) ? names.length : NaN
    this.#check = compile(installSchemaOf(inputs, more))
    // Compiles the reader.
    rowFromObject(inputs, {}, REQUEST)
  }

  /**
   * @param whole what to call the value as a whole, e.g. `body`
   * @returns the text of what is wrong with it first, where something is
   */
  read(input: unknown, whole: string, show: Show = describe): ReadInstall | string {
    if (typeof input !== 'object' || input === null || Array.isArray(input))
      return this.#explain(input, whole, show, null)
    const sent = input as Readonly<Record<string, unknown>>
    const userId = sent[USER_ID]
    const row = rowFromObject(this.inputs, sent, REQUEST)
    if (row instanceof Fault) return this.#explain(sent, whole, show, row)
    if (!isUserId(userId) || !this.#knowsKeys(sent, userId !== undefined))
      return this.#explain(sent, whole, show, null)
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

  /** @param fault what the reader says */
  #explain(input: unknown, whole: string, show: Show, fault: Fault | null): string {
    const check = this.#check
    if (!check(input)) return explain(check.errors, whole, show)
    if (fault === null) throw new TypeError(`expected an install that is refused, got ${describe(input)}`)
    return show === describe ? fault.message : fault.brief
  }
}

const REQUEST = { text: 'strict' } as const

function isUserId(value: unknown): value is string | null | undefined {
  if (value === null || value === undefined) return true
  if (typeof value !== 'string' || value === '' || value.includes('\0') || !value.isWellFormed()) return false
  // A text has at most as many code points as units.
  return value.length <= STORABLE.maxLength || [...value].length <= STORABLE.maxLength
}

/** Intakes that are kept; those of models that left service longest ago are given up. */
const MAX_INTAKES = 16

/** The intakes of the models in service. */
export class Intakes {
  readonly #app: App
  readonly #intakes = new Map<string, Intake>()
  #last: { readonly asked: Asked; readonly intake: Intake } | null = null

  constructor(app: App) {
    this.#app = app
  }

  of(asked: Asked): Intake {
    const last = this.#last
    if (last && last.asked.inputs === asked.inputs && last.asked.otherInputs === asked.otherInputs)
      return last.intake
    const key = `${asked.inputs.id} ${asked.otherInputs?.id ?? ''}`
    const intake = this.#intakes.get(key) ?? new Intake(asked, (schema) => this.#compile(schema))
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

  #compile(schema: object): Check {
    return this.#app.validatorCompiler!({ schema, method: '', url: '', httpPart: 'body' }) as Check
  }
}
