/**
 * The library's face: a model file → an Ensemble that answers for rows of doubles. Exact: raw scores are LightGBM's own, bit
 * for bit. The calls that return a number allocate nothing.
 */
import { compile, type Layout } from './compile.ts'
import { readDump } from './dump.ts'
import { ModelFormatError } from './errors.ts'
import { fillViews, findLeaves } from './loop.ts'
import type { Model } from './model.ts'
import { type Transform, transformOf } from './objective.ts'

/**
 * Compiles a model.
 * @param source the parsed JSON of LightGBM's `dump_model()`
 * @throws ModelFormatError that says where the file cannot be understood
 */
export function parseModel(source: unknown): Ensemble {
  return new Ensemble(readDump(source))
}

/** Scratch of one ensemble: an Ensemble is for one thread, as everything in JavaScript is, and its calls never interleave. */
export class Ensemble {
  readonly featureNames: readonly string[]
  readonly featureCount: number
  readonly treeCount: number
  readonly classCount: number
  /** LightGBM's objective with its parameters; '' for a custom one. */
  readonly objective: string
  readonly #layout: Layout
  readonly #iterations: number
  readonly #averageOutput: boolean
  readonly #transform: Transform
  readonly #slots: Float64Array
  readonly #leaves: Int32Array
  readonly #scores: Float64Array

  constructor(model: Model) {
    this.featureNames = Object.freeze([...model.featureNames])
    this.featureCount = model.featureNames.length
    this.treeCount = model.trees.length
    this.classCount = model.classCount
    this.objective = model.objective
    this.#layout = compile(model)
    this.#iterations = model.trees.length / model.classCount
    this.#averageOutput = model.averageOutput
    this.#transform = transformOf(model.objective)
    if (model.classCount !== 1)
      throw new ModelFormatError('num_tree_per_iteration', 'models of several classes are not supported')
    this.#slots = new Float64Array(this.#layout.views.length + 1)
    this.#leaves = new Int32Array(this.#layout.root.length)
    this.#scores = new Float64Array(model.classCount)
  }

  /**
   * The sum of the leaves, as `predict(raw_score=True)`.
   * @param row one double a feature, in the model's order; NaN is missing
   */
  predictRaw(row: Float64Array): number {
    if (row.length !== this.featureCount)
      throw new RangeError(`expected a row of ${this.featureCount} features, got ${row.length}`)
    fillViews(this.#layout, row, 0, this.#slots)
    findLeaves(this.#layout, this.#slots, this.#leaves)
    const { threshold } = this.#layout
    const leaves = this.#leaves
    let sum = 0
    for (let tree = 0; tree < leaves.length; tree++) sum += threshold[leaves[tree]!]!
    return sum
  }

  /** The objective's output, as `predict()`. */
  predict(row: Float64Array): number {
    return this.outputOf(this.predictRaw(row))
  }

  /** The objective's output for a raw score, which may have had an offset added. */
  outputOf(rawScore: number): number {
    this.#scores[0] = this.#averageOutput ? rawScore / this.#iterations : rawScore
    this.#transform(this.#scores, 0, 1)
    return this.#scores[0]
  }
}
