/**
 * What a model is asked about and does not know: texts that it takes for values never seen, where a caller may have meant another, and
 * numbers and times outside of what it was trained on, of which trees know no more than of the nearest one. A request is right all the same,
 * and is answered; whoever sends `us ` for `us`, or cents for dollars, is told by counts alone.
 */
import { type Field, type InputSchema, type Row, trimAscii, valueToJson } from '../inputs/index.ts'
import type { Categories } from './categories.ts'

/**
 * `unseen`: a text that no row of the training data has; `marker`: one that commonly stands for a missing value, such as `NULL`; `blanks`:
 * one with white space at an end. A text has one of them: `blanks` before `marker` before `unseen`. `outside`: a number below the least or
 * above the greatest of the training data; a time before the earliest. A time after the latest has no reason: so are all players who come
 * after the training.
 */
export type UnknownReason = 'unseen' | 'marker' | 'blanks' | 'outside'

/** What training saw of a number or time field: both ends occurred. A time is whole milliseconds since 1970 in UTC, as in a row. */
export interface FieldRange {
  readonly minimum: number
  readonly maximum: number
}

export interface UnknownKind {
  /** The name of the field. */
  readonly field: string
  readonly reason: UnknownReason
  /** With `outside`: what is not outside, as a request has it; null: there is no end on this side. */
  readonly trained?: { readonly from: number | string; readonly to: number | string | null }
}

/** In lower case; the same ones that `describe` looks for. `na` is not among them: it is a country. */
const MARKERS: ReadonlySet<string> = new Set([
  'null',
  'n/a',
  '-',
  '--',
  'nan',
  'none',
  'nil',
  '(null)',
  '\\n',
  '#n/a',
  'undefined',
  '(none)',
])

/** Texts come from outside: a memory of them has to end somewhere. Then it begins anew. */
const MOST_TEXTS = 2000
const KNOWN = -1

interface TextField {
  readonly at: number
  readonly known: ReadonlySet<string> | null
  readonly fold: (text: string) => string
  /** Where its kinds begin. */
  readonly from: number
  /** Text → its kind, or KNOWN. */
  readonly memory: Map<string, number>
}

interface RangeField {
  readonly at: number
  readonly field: Field
  readonly from: number
  readonly to: number
  readonly kind: number
}

export class UnknownValues {
  /** All that there can be, by field. */
  readonly kinds: readonly UnknownKind[]
  readonly #texts: readonly TextField[]
  readonly #ranges: readonly RangeField[]

  /**
   * @param categories of the texts that the plan looks up: of no other is it known what training saw
   * @param ranges of numbers and times, by the name of the field; of others, and of those of an older bundle, nothing is known
   */
  constructor(
    inputs: InputSchema,
    categories: ReadonlyMap<string, Categories>,
    ranges: ReadonlyMap<string, FieldRange> = new Map(),
  ) {
    const kinds: UnknownKind[] = []
    const ranged: RangeField[] = []
    this.#texts = inputs.fields.flatMap(({ name: field, kind }, at) => {
      const range = ranges.get(field)
      if (range && (kind === 'number' || kind === 'time'))
        ranged.push(rangeField(inputs.fields[at]!, at, range, kinds))
      if (kind !== 'text') return []
      const { names, fold } = categories.get(field) ?? { names: null, fold: (text: string) => text }
      const from = kinds.length
      kinds.push({ field, reason: 'blanks' }, { field, reason: 'marker' })
      if (names) kinds.push({ field, reason: 'unseen' })
      return [{ at, known: names && new Set(names), fold, from, memory: new Map<string, number>() }]
    })
    this.#ranges = ranged
    this.kinds = kinds
  }

  /**
   * Null and the empty text are missing, not unknown.
   * @param row of the schema
   * @param found is given the index of each kind that the row has, and the value as a text
   */
  note(row: Row, found: (kind: number, text: string) => void): void {
    const texts = this.#texts
    for (let i = 0; i < texts.length; i++) {
      const field = texts[i]!
      const text = row[field.at] as string | null
      if (text === null || text === '') continue
      const kind = field.memory.get(text) ?? learn(field, text)
      if (kind !== KNOWN) found(kind, text)
    }
    const ranges = this.#ranges
    for (let i = 0; i < ranges.length; i++) {
      const { at, field, from, to, kind } = ranges[i]!
      const value = row[at] as number | null
      if (value !== null && (value < from || value > to)) found(kind, String(valueToJson(field, value)))
    }
  }
}

/** Adds its kind. */
function rangeField(
  field: Field,
  at: number,
  { minimum, maximum }: FieldRange,
  kinds: UnknownKind[],
): RangeField {
  const kind = kinds.length
  const isTime = field.kind === 'time'
  const shown = (value: number) => valueToJson(field, value) as number | string
  kinds.push({
    field: field.name,
    reason: 'outside',
    trained: { from: shown(minimum), to: isTime ? null : shown(maximum) },
  })
  return { at, field, from: minimum, to: isTime ? Infinity : maximum, kind }
}

function learn(field: TextField, text: string): number {
  const kind = kindOf(field, text)
  if (field.memory.size >= MOST_TEXTS) field.memory.clear()
  field.memory.set(text, kind)
  return kind
}

function kindOf({ known, fold, from }: TextField, text: string): number {
  // What training saw is known, however it looks.
  if (known?.has(fold(text))) return KNOWN
  if (trimAscii(text) !== text) return from
  if (MARKERS.has(text.toLowerCase())) return from + 1
  return known ? from + 2 : KNOWN
}
