/**
 * A Combination and its compiled trees → parts that score a row, each with or without the plan's offset.
 */
import type { Ensemble } from '../ensemble/index.ts'
import type { Combination, Combine, EnsembleSpec, Role } from './combination.ts'

/** One ensemble of a bundle. All parts of a bundle score the same row. */
export class Part {
  readonly file: string
  readonly objective: string
  readonly offset: boolean
  readonly ensemble: Ensemble

  constructor({ file, objective, offset }: EnsembleSpec, ensemble: Ensemble) {
    this.file = file
    this.objective = objective
    this.offset = offset
    this.ensemble = ensemble
  }

  /** @param offset the plan's, for this row */
  rawScore(row: Float64Array, offset: number): number {
    const sum = this.ensemble.predictRaw(row) as number
    return this.offset ? sum + offset : sum
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
}

/** @param ensembleOf gives the trees of a file */
export function partsOf(combination: Combination, ensembleOf: (file: string) => Ensemble): Parts {
  const part = (spec: EnsembleSpec): Part => new Part(spec, ensembleOf(spec.file))
  const { combine, ensembles, interval } = combination
  return {
    combine,
    ensembles: ensembles.map((spec) => Object.assign(part(spec), { role: spec.role })),
    interval: interval && { p10: part(interval.p10), p90: part(interval.p90) },
  }
}
