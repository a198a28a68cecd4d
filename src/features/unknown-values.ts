/**
 * What a model is asked about and does not know: texts that it takes for values never seen, where a caller may have meant another. A
 * request is right all the same, and is answered; whoever sends `us ` for `us` is told by counts alone.
 */
import { type InputSchema, type Row, trimAscii } from '../inputs/index.ts'
import type { Categories } from './categories.ts'

/**
 * `unseen`: a text that no row of the training data has; `marker`: one that commonly stands for a missing value, such as `NULL`; `blanks`:
 * one with white space at an end. A text has one of them: `blanks` before `marker` before `unseen`.
 */
export type UnknownReason = 'unseen' | 'marker' | 'blanks'

export interface UnknownKind {
  /** The name of the field. */
  readonly field: string
  readonly reason: UnknownReason
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

export class UnknownValues {
  /** All that there can be, by field. */
  readonly kinds: readonly UnknownKind[]
  readonly #texts: readonly TextField[]

  /** @param categories of the texts that the plan looks up: of no other is it known what training saw */
  constructor(inputs: InputSchema, categories: ReadonlyMap<string, Categories>) {
    const kinds: UnknownKind[] = []
    this.#texts = inputs.fields.flatMap(({ name: field, kind }, at) => {
      if (kind !== 'text') return []
      const { names, fold } = categories.get(field) ?? { names: null, fold: (text: string) => text }
      const from = kinds.length
      kinds.push({ field, reason: 'blanks' }, { field, reason: 'marker' })
      if (names) kinds.push({ field, reason: 'unseen' })
      return [{ at, known: names && new Set(names), fold, from, memory: new Map<string, number>() }]
    })
    this.kinds = kinds
  }

  /**
   * Null and the empty text are missing, not unknown.
   * @param row of the schema
   * @param found is given the index of each kind that the row has, and the text
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
  }
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
