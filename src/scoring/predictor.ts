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
import type { Install } from '../features/index.ts'
import { parseInputSchema, type Row } from '../inputs/index.ts'
import type { ByteWriter } from './byte-writer.ts'

const COMMA = 44

export class Predictor {
  readonly #bundle: Bundle
  readonly #explain: boolean
  #prediction: Prediction | null = null
  #explanation: Explanation | null = null

  constructor(bundle: Bundle, explain: boolean) {
    this.#bundle = bundle
    this.#explain = explain
  }

  /** @returns why there is no prediction, or null: then it can be written */
  predict(install: Install): string | null {
    const row = this.#rowOf(install)
    try {
      this.#prediction = this.#bundle.predict(row)
      this.#explanation = this.#explain ? this.#bundle.explain(row) : null
      return null
    } catch (error) {
      if (error instanceof ExplanationError) return error.message
      if (error instanceof RangeError) return 'the model has no finite answer for this row'
      throw error
    }
  }

  #rowOf(install: Install): Row {
    const byName = install as Readonly<Record<string, string | number | null>>
    return this.#bundle.inputs.fields.map(({ name }) => byName[name] ?? null)
  }

  /** The cells of `addedColumns`, each behind a comma. */
  writeCells(out: ByteWriter): void {
    const { revenue, interval } = this.#prediction!
    writeCell(out, rounded(revenue))
    if (interval) for (const quantile of [interval.p10, interval.p90]) writeCell(out, rounded(quantile))
    if (!this.#explanation) return
    for (const { raw_score, base_value, contributions } of partsOf(this.#explanation)) {
      const byField = new Map(contributions.map(({ feature, contribution }) => [feature, contribution]))
      writeCell(out, String(raw_score))
      writeCell(out, String(base_value))
      for (const { name } of this.#bundle.inputs.fields) writeCell(out, String(byField.get(name)!))
    }
  }

  /** The members that `/predict` answers with, each behind a comma. */
  writeMembers(out: ByteWriter): void {
    const { revenue, interval } = this.#prediction!
    out.ascii(`,"predicted_revenue":${rounded(revenue)}`)
    if (interval) out.ascii(`,"interval":{"p10":${rounded(interval.p10)},"p90":${rounded(interval.p90)}}`)
    if (this.#explanation) out.utf8(`,"explanation":${JSON.stringify(this.#explanation)}`)
  }
}

function writeCell(out: ByteWriter, number: string): void {
  out.byte(COMMA)
  out.ascii(number)
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
