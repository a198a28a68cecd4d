/**
 * A manifest's combination and its compiled trees → parts that score a row's features, each with or without the plan's offset and the calibration.
 */
import type { Ensemble } from '../ensemble/index.ts'
import type { InputSchema, Row } from '../inputs/index.ts'
import { type Pair, pairing } from './calibration.ts'
import { type Combine, type EnsembleSpec, isCalibrated, type Role } from './combination.ts'
import type { Manifest } from './manifest.ts'

/** One ensemble of a bundle. All parts of a bundle score the same features. */
export class Part {
  readonly file: string
  readonly objective: string
  readonly offset: boolean
  /** Whether the bundle's calibration is for it. */
  readonly isCalibrated: boolean
  readonly ensemble: Ensemble

  constructor({ file, objective, offset }: EnsembleSpec, isCalibrated: boolean, ensemble: Ensemble) {
    this.file = file
    this.objective = objective
    this.offset = offset
    this.isCalibrated = isCalibrated
    this.ensemble = ensemble
  }

  /**
   * @param offset the plan's, for this row
   * @param pair the calibration's, for this row; null: there is none
   */
  rawScore(features: Float64Array, offset: number, pair: Pair | null): number {
    const sum = this.ensemble.predictRaw(features) as number
    const raw = this.offset ? sum + offset : sum
    // Two operations, each rounded, as Python has them.
    return pair !== null && this.isCalibrated ? pair.intercept + pair.slope * raw : raw
  }

  outputOf(rawScore: number): number {
    return this.ensemble.outputOf(rawScore)
  }
}

export interface RolePart extends Part {
  readonly role: Role
}

export interface Parts {
  readonly combine: Combine
  readonly ensembles: readonly RolePart[]
  readonly interval: { readonly p10: Part; readonly p90: Part } | null
  /** The calibration's pair of a row; null where the bundle has no calibration. */
  readonly pairOf: ((row: Row) => Pair) | null
}

/**
 * @param ensembleOf gives the trees of a file
 * @throws TypeError if the calibration reads a field that the schema lacks
 */
export function partsOf(
  { prediction, calibration }: Pick<Manifest, 'prediction' | 'calibration'>,
  schema: InputSchema,
  ensembleOf: (file: string) => Ensemble,
): Parts {
  const { combine, ensembles, interval } = prediction
  const quantile = (spec: EnsembleSpec): Part => new Part(spec, false, ensembleOf(spec.file))
  return {
    combine,
    ensembles: ensembles.map((spec) =>
      Object.assign(new Part(spec, calibration !== null && isCalibrated(spec), ensembleOf(spec.file)), {
        role: spec.role,
      }),
    ),
    interval: interval && { p10: quantile(interval.p10), p90: quantile(interval.p90) },
    pairOf: calibration && pairing(calibration, schema),
  }
}
