/**
 * An ensemble and one row → why the raw score is what it is: a base value, and what each input field and each feature of the model adds
 * to it. The trees' share is TreeSHAP; the offset is shared among the fields that it is made from (`shareOffset`). A feature that is
 * made from several fields is divided equally among them. Of a calibrated ensemble all of that is multiplied by the slope.
 *
 * Base value and contributions sum up to the raw score, by fields as by features, to 1e-9 of their sizes. An explanation that does not, or of
 * a model for which there is none, is refused: better none than a wrong one. In the shape in which it is answered.
 */
import type { FeaturePlan } from '../features/index.ts'
import { type InputSchema, type Row, valueToJson } from '../inputs/index.ts'
import type { Pair } from './calibration.ts'
import type { Part } from './parts.ts'

export interface Contribution {
  /** An input field, or a feature of the model. */
  readonly feature: string
  /** Of an input what was sent; of a feature its number, and null where that is NaN or infinite. */
  readonly value: string | number | boolean | null
  readonly contribution: number
}

export interface RawScoreExplanation {
  readonly raw_score: number
  /** Of an average install of the training; of the offset's part, of an install of which nothing is known. */
  readonly base_value: number
  /** By input field, all of them; the greatest first. */
  readonly contributions: readonly Contribution[]
  /** By feature of the model, and the offset among them; the greatest first. */
  readonly features: readonly Contribution[]
}

export interface PartExplanation extends RawScoreExplanation {
  /** Its file's, without the ending. */
  readonly name: string
  readonly role: string
  readonly objective: string
}

/** Of a model of one ensemble its own; of several, which have no raw score together, one for each. */
export type Explanation = RawScoreExplanation | { readonly parts: readonly PartExplanation[] }

/** There is no explanation: that is the model's nature, and no fault of the install. */
export class ExplanationError extends Error {
  readonly code = 'EXPLANATION_UNAVAILABLE'
  override readonly name = 'ExplanationError'
}

/** Of the sum of the sizes of base value and contributions. */
const TOLERANCE = 1e-9

/** A row as the plan and the calibration have it. */
export interface Encoded {
  readonly row: Row
  readonly features: Float64Array
  readonly offset: number
  /** Null where the bundle has no calibration. */
  readonly pair: Pair | null
}

/** @throws ExplanationError */
export function explainRawScore(
  part: Part,
  plan: FeaturePlan,
  schema: InputSchema,
  { row, features, offset, pair }: Encoded,
): RawScoreExplanation {
  const trees = contributionsOf(part, features)
  const shares = part.offset ? plan.shareOffset(row) : null
  const uncalibrated = trees.at(-1)! + (shares?.base ?? 0)
  const { intercept, slope } = (part.isCalibrated && pair) || { intercept: 0, slope: 1 }
  const base = part.isCalibrated ? intercept + slope * uncalibrated : uncalibrated
  const byField = new Map(schema.fields.map(({ name }) => [name, 0]))
  const byFeature = new Map<string, Contribution>()
  const add = (field: string, share: number): void => void byField.set(field, byField.get(field)! + share)

  plan.features.forEach((feature, at) => {
    const contribution = slope * trees[at]!
    const fields = plan.inputs.get(feature)!
    for (const field of fields) add(field, contribution / fields.length)
    byFeature.set(feature, { feature, value: numberOrNull(features[at]!), contribution })
  })
  if (shares && plan.offset !== null) {
    const own = byFeature.get(plan.offset)?.contribution ?? 0
    const contribution = slope * (offset - shares.base) + own
    byFeature.set(plan.offset, { feature: plan.offset, value: numberOrNull(offset), contribution })
    for (const [field, share] of shares.shares) add(field, slope * share)
  }

  const explanation = {
    raw_score: part.rawScore(features, offset, pair),
    base_value: base,
    contributions: schema.fields
      .map((field, at) => ({
        feature: field.name,
        value: valueToJson(field, row[at]!),
        contribution: byField.get(field.name)!,
      }))
      .sort(greatestFirst),
    features: [...byFeature.values()].sort(greatestFirst),
  }
  for (const list of [explanation.contributions, explanation.features])
    expectSum(list, base, explanation.raw_score)
  return explanation
}

function contributionsOf({ ensemble, file }: Part, features: Float64Array): Float64Array {
  try {
    return ensemble.predictContributions(features)
  } catch (cause) {
    throw new ExplanationError(`there is no explanation: ${file}: ${(cause as Error).message}`, { cause })
  }
}

function expectSum(contributions: readonly Contribution[], base: number, rawScore: number): void {
  let sum = base
  let size = Math.abs(base)
  for (const { contribution } of contributions) {
    sum += contribution
    size += Math.abs(contribution)
  }
  if (!(Math.abs(sum - rawScore) <= TOLERANCE * size))
    throw new ExplanationError(
      `there is no explanation: expected contributions that sum up to the raw score ${rawScore}, got ${sum}`,
    )
}

const greatestFirst = (a: Contribution, b: Contribution): number =>
  Math.abs(b.contribution) - Math.abs(a.contribution)

/** JSON has no other numbers. */
const numberOrNull = (value: number): number | null => (Number.isFinite(value) ? value : null)
