/**
 * An install → what its row gets more: cells of a CSV, or members of a JSON object. The numbers are those of `POST /predict`, digit by
 * digit; explanations are not rounded there, and not here.
 */
import {
  type Bundle,
  type BundleParts,
  type Explanation,
  ExplanationError,
  rounded,
} from '../bundle/index.ts'
import type { Prediction, RawScoreExplanation } from '../bundle/index.ts'
import { Fault, parseInputSchema, type Row } from '../inputs/index.ts'
import { type UnknownCount, UnknownTally } from './unknown-values.ts'

export class Predictor {
  readonly #bundle: Bundle
  readonly #explain: boolean
  readonly #unknown: UnknownTally
  readonly #countUnknown = (kind: number, text: string): void => this.#unknown.add(kind, text)
  #prediction: Prediction | null = null
  #explanation: Explanation | null = null

  constructor(bundle: Bundle, explain: boolean) {
    this.#bundle = bundle
    this.#explain = explain
    this.#unknown = new UnknownTally(bundle.unknownValues.kinds)
  }

  /** @returns why there is no prediction, or null: then it can be written */
  predict(row: Row | Fault): string | null {
    if (row instanceof Fault) return row.message
    try {
      this.#prediction = this.#bundle.predict(row)
      this.#explanation = this.#explain ? this.#bundle.explain(row) : null
      this.#bundle.unknownValues.note(row, this.#countUnknown)
      return null
    } catch (error) {
      if (error instanceof ExplanationError) return error.message
      if (error instanceof RangeError) return 'the model has no finite answer for this row'
      throw error
    }
  }

  /** Values that the model does not know, of the rows since the last time. */
  takeUnknown(): UnknownCount[] {
    return this.#unknown.take()
  }

  /** The cells of `addedColumns`. */
  cells(): string[] {
    const { revenue, interval } = this.#prediction!
    const cells = interval
      ? [rounded(revenue), rounded(interval.p10), rounded(interval.p90)]
      : [rounded(revenue)]
    if (!this.#explanation) return cells
    for (const { raw_score, base_value, contributions } of partsOf(this.#explanation)) {
      const byField = new Map(contributions.map(({ feature, contribution }) => [feature, contribution]))
      cells.push(String(raw_score), String(base_value))
      for (const { name } of this.#bundle.inputs.fields) cells.push(String(byField.get(name)!))
    }
    return cells
  }

  /** The members that `/predict` answers with, as JSON without braces. */
  members(): string {
    const { revenue, interval } = this.#prediction!
    let members = `"predicted_revenue":${rounded(revenue)}`
    if (interval) members += `,"interval":{"p10":${rounded(interval.p10)},"p90":${rounded(interval.p90)}}`
    if (this.#explanation) members += `,"explanation":${JSON.stringify(this.#explanation)}`
    return members
  }
}

/** The members that are added to an object, or some of them. */
export const ADDED_MEMBERS = ['predicted_revenue', 'interval', 'explanation']

/** The columns that are added to a CSV. */
export function addedColumns(
  { manifest, inputs }: Pick<BundleParts, 'manifest' | 'inputs'>,
  explain: boolean,
): string[] {
  const { combine, ensembles, interval } = manifest.prediction
  const columns = ['predicted_revenue', ...(interval ? ['interval_p10', 'interval_p90'] : [])]
  if (!explain) return columns
  const prefixes =
    combine === 'single' ? [''] : ensembles.map(({ file }) => `${file.replace(/\.json$/, '')}_`)
  const { fields } = parseInputSchema(inputs)
  const names = ['raw_score', 'base_value', ...fields.map(({ column }) => `contribution_${column}`)]
  return [...columns, ...prefixes.flatMap((prefix) => names.map((name) => prefix + name))]
}

const partsOf = (explanation: Explanation): readonly RawScoreExplanation[] =>
  'parts' in explanation ? explanation.parts : [explanation]
