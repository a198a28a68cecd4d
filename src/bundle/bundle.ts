/**
 * A verified bundle → predictions. Making one of its parts takes milliseconds, so that a new model can be read and verified in another
 * thread (`loading.ts`) while this one answers. A row is encoded once, whatever the number of ensembles.
 */
import { basename } from 'node:path'
import { type CompiledModel, Ensemble } from '../ensemble/index.ts'
import {
  type Categories,
  categoriesOf,
  type FeaturePlan,
  parseFeaturePlan,
  UnknownValues,
} from '../features/index.ts'
import { Fault, type InputSchema, parseInputSchema, type Row, rowFromObject } from '../inputs/index.ts'
import type { Pair } from './calibration.ts'
import { combined } from './combination.ts'
import { type Explanation, explainRawScore } from './explanation.ts'
import type { Manifest } from './manifest.ts'
import { type Part, type Parts, partsOf } from './parts.ts'
import type { Profile } from './profile.ts'

export interface Prediction {
  /** Of the horizon, in the unit of the training data's revenue; ≥ 0. */
  readonly revenue: number
  /**
   * The sum of the leaves and the offset, before the objective's transform. Where several ensembles are combined there is no such
   * sum: then it is what they make together, before what is below 0 is set to 0.
   */
  readonly rawScore: number
  /** Null where the bundle has no models for it. */
  readonly interval: Interval | null
}

/** What one install in ten brings less than, and one in ten more than; 0 ≤ p10 ≤ p90. */
export interface Interval {
  readonly p10: number
  readonly p90: number
}

/** What a folder was found to hold: plain data. */
export interface BundleParts {
  readonly manifest: Manifest
  /** The input schema's document. */
  readonly inputs: unknown
  /** The feature plan's document. */
  readonly plan: unknown
  readonly profile: Profile
  /** By file; those that the manifest's `prediction` names. */
  readonly models: ReadonlyMap<string, CompiledModel>
  /** Golden predictions that were reproduced. */
  readonly goldenCount: number
  /** Some of their rows. */
  readonly sample: readonly Row[]
}

export class Bundle {
  readonly manifest: Manifest
  /** The fields that it takes; rows are theirs by position. */
  readonly inputs: InputSchema
  /** The ensembles, as the manifest's `prediction` has them. */
  readonly parts: Parts
  /** The first of them. */
  readonly ensemble: Ensemble
  /** Of all ensembles. */
  readonly treeCount: number
  /** Golden predictions that were reproduced when it was loaded. */
  readonly goldenCount: number
  /** What its features and predictions looked like in training. */
  readonly profile: Profile
  /** Values of text fields that it knows, the most frequent first; by the name of the field. */
  readonly categories: ReadonlyMap<string, Categories>
  /** Finds the values that it does not know. */
  readonly unknownValues: UnknownValues
  readonly #plan: FeaturePlan
  readonly #features: Float64Array
  readonly #first: Part
  readonly #isSingle: boolean
  readonly #outputs: Float64Array

  constructor({ manifest, inputs, plan, profile, models, goldenCount }: BundleParts) {
    this.manifest = manifest
    this.inputs = parseInputSchema(inputs)
    this.parts = partsOf(manifest, this.inputs, (file) => new Ensemble(models.get(file)!))
    const { ensembles, interval } = this.parts
    this.#first = ensembles[0]!
    this.#isSingle = this.parts.combine === 'single'
    this.#outputs = new Float64Array(ensembles.length)
    this.ensemble = this.#first.ensemble
    const all = interval ? [...ensembles, interval.p10, interval.p90] : ensembles
    this.treeCount = all.reduce((sum, part) => sum + part.ensemble.treeCount, 0)
    this.goldenCount = goldenCount
    this.profile = profile
    this.#plan = parseFeaturePlan(plan, this.inputs)
    this.categories = categoriesOf(plan, this.inputs)
    this.unknownValues = new UnknownValues(this.inputs, this.categories, profile.ranges)
    this.#features = new Float64Array(this.#plan.features.length)
  }

  /** Days after the install whose revenue is predicted. */
  get horizonDays(): number {
    return this.manifest.horizonDays
  }

  /**
   * An install by the names of its fields → the row that the other methods take. Members that are no fields are passed over.
   * @throws TypeError that says what is wrong with it
   */
  rowOf(install: Readonly<Record<string, unknown>>): Row {
    const row = rowFromObject(this.inputs, install, { text: 'strict' })
    if (row instanceof Fault) throw new TypeError(row.message)
    return row
  }

  /** @throws RangeError if the model's answer is not a finite number */
  predict(row: Row): Prediction {
    const offset = this.#plan.encode(row, this.#features)
    const pair = this.#pairOf(row)
    const rawScore = this.#isSingle
      ? this.#first.rawScore(this.#features, offset, pair)
      : this.#combine(offset, pair)
    const output = this.#isSingle ? this.#first.outputOf(rawScore) : rawScore
    if (!Number.isFinite(output)) this.#refuse(output)
    return {
      revenue: Math.max(0, output),
      rawScore,
      interval: this.parts.interval && this.#interval(this.parts.interval, offset),
    }
  }

  /** Writes the model's features of the row. */
  encode(row: Row, features: Float64Array): void {
    this.#plan.encode(row, features)
  }

  /**
   * Why the raw score of `predict` is what it is; the interval is not explained.
   * @throws ExplanationError if there are no contributions for such a model
   */
  explain(row: Row): Explanation {
    const offset = this.#plan.encode(row, this.#features)
    const encoded = { row, features: this.#features, offset, pair: this.#pairOf(row) }
    const explain = (part: Part) => explainRawScore(part, this.#plan, this.inputs, encoded)
    if (this.#isSingle) return explain(this.#first)
    const parts = this.parts.ensembles.map((part) => {
      const { file, role, objective } = part
      return { name: basename(file, '.json'), role, objective, ...explain(part) }
    })
    return { parts }
  }

  #pairOf(row: Row): Pair | null {
    const { pairOf } = this.parts
    return pairOf === null ? null : pairOf(row)
  }

  /** What several ensembles make of the features. */
  #combine(offset: number, pair: Pair | null): number {
    const { combine, ensembles } = this.parts
    for (let i = 0; i < ensembles.length; i++) this.#outputs[i] = this.#output(ensembles[i]!, offset, pair)
    return combined(combine, this.#outputs)
  }

  /**
   * Two models of quantiles can cross, which true quantiles cannot. Then they are put in order: that is never further from the true
   * ones (Chernozhukov, Fernández-Val, Galichon 2010, Quantile and probability curves without crossing, Econometrica 78).
   */
  #interval({ p10, p90 }: { readonly p10: Part; readonly p90: Part }, offset: number): Interval {
    const low = Math.max(0, this.#output(p10, offset, null))
    const high = Math.max(0, this.#output(p90, offset, null))
    return low <= high ? { p10: low, p90: high } : { p10: high, p90: low }
  }

  #output(part: Part, offset: number, pair: Pair | null): number {
    const output = part.outputOf(part.rawScore(this.#features, offset, pair))
    if (!Number.isFinite(output)) this.#refuse(output, part)
    return output
  }

  #refuse(output: number, part?: Part): never {
    const { name, version } = this.manifest
    throw new RangeError(
      `model ${name} ${version} answered ${output}${part ? ` in ${part.file}` : ''}, not a finite number`,
    )
  }
}
