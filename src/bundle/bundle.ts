/**
 * A verified bundle → predictions. Making one of its parts takes a millisecond, so that a new model can be read and verified in another
 * thread (`loading.ts`) while this one answers.
 */
import { type CompiledModel, Ensemble } from '../ensemble/index.ts'
import { type FeaturePlan, type Install, parseFeaturePlan } from '../features/index.ts'
import type { Manifest } from './manifest.ts'

export interface Prediction {
  /** Seven-day revenue, in the unit of the training data's revenue; ≥ 0. */
  readonly revenue: number
  /** The sum of the leaves and the offset, before the objective's transform. */
  readonly rawScore: number
}

/** What a folder was found to hold: plain data. */
export interface BundleParts {
  readonly manifest: Manifest
  /** The feature plan's document. */
  readonly plan: unknown
  readonly model: CompiledModel
  /** Golden predictions that were reproduced. */
  readonly goldenCount: number
}

export class Bundle {
  readonly manifest: Manifest
  readonly ensemble: Ensemble
  /** Golden predictions that were reproduced when it was loaded. */
  readonly goldenCount: number
  readonly #plan: FeaturePlan
  readonly #row: Float64Array

  constructor({ manifest, plan, model, goldenCount }: BundleParts) {
    this.manifest = manifest
    this.ensemble = new Ensemble(model)
    this.goldenCount = goldenCount
    this.#plan = parseFeaturePlan(plan)
    this.#row = new Float64Array(this.#plan.features.length)
  }

  /** @throws RangeError if the model's answer is not a finite number */
  predict(install: Install): Prediction {
    const offset = this.#plan.encode(install, this.#row)
    const rawScore = (this.ensemble.predictRaw(this.#row) as number) + offset
    const output = this.ensemble.outputOf(rawScore)
    if (!Number.isFinite(output))
      throw new RangeError(
        `model ${this.manifest.name} ${this.manifest.version} answered ${output}, not a finite number`,
      )
    return { revenue: Math.max(0, output), rawScore }
  }
}
