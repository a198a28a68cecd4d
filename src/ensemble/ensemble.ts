/**
 * The library's face: a model file → an Ensemble that answers for rows of doubles. Exact: raw scores, leaves and contributions
 * are LightGBM's own, and outputs differ at most by the last places of `Math.exp`. The calls that return a number allocate nothing.
 */
import { TreeShap } from './contributions.ts'
import { type DumpedModel, readDump } from './dump.ts'
import { expectWhole, ModelFormatError, show } from './errors.ts'
import { ReferenceLoop } from './loop.ts'
import { type Transform, transformOf } from './objective.ts'
import { pack, type Packed } from './packed.ts'
import { type Category, codeOf, codesOf, nameColumns } from './pandas.ts'
import { doubleOf, doublesOf, expectLength, expectOut } from './rows.ts'
import { checkOptions, checkSource } from './source.ts'
import { type Kernel, streamKernel } from './stream.ts'
import { readText } from './text.ts'
import type { Model, Tree } from './tree.ts'
import { wasmKernel } from './wasm.ts'

/** A row or a matrix; a Float64Array is read as it is, others are copied. null and undefined are missing. */
export type Doubles = Float64Array | ArrayLike<number | null | undefined>

export interface ModelOptions {
  /** First iteration to use; what is out of range is cut to it, as LightGBM does. Default 0. */
  readonly startIteration?: number
  /** Iterations to use; default, and 0 or less: all that follow. */
  readonly numIterations?: number
  /**
   * What the file does not say: dumps of LightGBM before 2.2.3 have no objective. With its parameters, as model.txt has it,
   * e.g. `binary sigmoid:1`; `custom` for raw scores.
   */
  readonly objective?: string
  /** Of such a dump, too: whether it is a random forest, whose output is the mean over the iterations. */
  readonly averageOutput?: boolean
  /** The columns that were pandas categories in training, in their order, where the file leaves it open. */
  readonly pandasColumns?: readonly string[]
  /** Default: the fastest that can run this model here. They differ in speed alone. */
  readonly kernel?: Kernel['name']
}

/**
 * Compiles a model.
 * @param source the text of LightGBM's `model.txt`, or the parsed JSON of its `dump_model()`
 * @throws ModelFormatError that says where the file cannot be understood; RangeError for options that it does not have
 */
export function parseModel(source: unknown, options: ModelOptions = {}): Ensemble {
  return new Ensemble(compileModel(source, options), options.kernel)
}

/** A model that is read and packed; plain data, so that one thread can make it and another one use it. */
export interface CompiledModel {
  /** With the trees in use alone. They are read for contributions and leaves; where `packed` is there, not for predictions. */
  readonly model: Model
  readonly treeCount: number
  /** Null where the packed kernels cannot run it. */
  readonly packed: Packed | null
}

/** The slow part of `parseModel`, which `new Ensemble` ends in milliseconds; throws as it does. */
export function compileModel(source: unknown, options: ModelOptions = {}): CompiledModel {
  checkOptions(options, OPTIONS)
  checkSource(source)
  const model = complete(typeof source === 'string' ? readText(source) : readDump(source), options)
  const { classCount } = model
  expectWhole(classCount, 1, MAX_CLASSES, 'the number of classes', 'the document')
  if (model.trees.length % classCount !== 0)
    throw new ModelFormatError(
      'the trees',
      `${model.trees.length} trees are not a multiple of ${classCount} classes`,
    )
  const trees = selectIterations(model, options)
  // The packed kernels are for one class and constant leaves.
  const isPlain = classCount === 1 && !trees.some((tree) => tree.linear)
  return {
    model: { ...model, trees },
    treeCount: trees.length,
    packed: isPlain && options.kernel !== 'reference' ? pack(trees) : null,
  }
}

const OPTIONS: readonly (keyof ModelOptions)[] = [
  'startIteration',
  'numIterations',
  'objective',
  'averageOutput',
  'pandasColumns',
  'kernel',
]

/** A file can claim any number, and every class takes memory. */
const MAX_CLASSES = 1_000_000

const NAMES_IN_ERRORS = 8

/** For one thread, as everything in JavaScript is: calls share scratch memory and never interleave. */
export class Ensemble {
  /** The columns of a row, in their order. */
  readonly featureNames: readonly string[]
  readonly featureCount: number
  /** Trees in use: iterations × classes. */
  readonly treeCount: number
  readonly classCount: number
  /** LightGBM's objective with its parameters; '' for a custom one. */
  readonly objective: string
  /** What evaluates a row. */
  readonly kernel: Kernel['name']
  readonly #model: Model
  readonly #kernel: Kernel
  #reference: ReferenceLoop | undefined
  #shap: TreeShap | undefined
  readonly #iterations: number
  readonly #averageOutput: boolean
  readonly #transform: Transform
  readonly #scores: Float64Array
  #row: Float64Array | undefined
  readonly #codes: ReadonlyMap<number, ReadonlyMap<Category, number>>
  #columns: ReadonlyMap<string, number> | undefined

  /** @param kernel default: the fastest that can run this model here */
  constructor({ model, treeCount, packed }: CompiledModel, kernel?: Kernel['name']) {
    const { classCount } = model
    this.#model = model
    this.featureNames = Object.freeze([...model.featureNames])
    this.featureCount = model.featureNames.length
    this.treeCount = treeCount
    this.classCount = classCount
    this.objective = model.objective
    this.#codes = codesOf(model.pandas)
    this.#iterations = treeCount / classCount
    this.#averageOutput = model.averageOutput
    this.#transform = transformOf(model.objective, classCount)
    this.#kernel = this.#chooseKernel(packed, kernel)
    this.kernel = this.#kernel.name
    this.#scores = new Float64Array(classCount)
  }

  /**
   * The objective's output, as `predict()`: a number for one class, a Float64Array of `classCount` for several.
   * @param row one double a feature, in the order of `featureNames`; NaN is missing
   * @param out where to write the outputs; without it, several classes get a new array
   * @throws RangeError if the row or `out` has another length
   */
  predict(row: Doubles, out?: Float64Array): number | Float64Array {
    this.#score(row)
    this.#convert(this.#scores, 0)
    return this.#answer(out)
  }

  /** The sums of the leaves, as `predict(raw_score=True)`; otherwise as `predict`. */
  predictRaw(row: Doubles, out?: Float64Array): number | Float64Array {
    this.#score(row)
    return this.#answer(out)
  }

  /**
   * Many rows at once.
   * @param matrix rows one behind the other, `rowCount` × `featureCount`
   * @param options `raw`: raw scores instead of outputs; `out`: where to write them
   * @returns `rowCount` × `classCount` doubles, row by row
   */
  predictBatch(
    matrix: Doubles,
    rowCount: number,
    options: { readonly raw?: boolean; readonly out?: Float64Array } = {},
  ): Float64Array {
    const { featureCount, classCount } = this
    checkOptions(options, ['raw', 'out'])
    const doubles = doublesOf(
      'a matrix',
      matrix,
      rowCount * featureCount,
      (length) => new Float64Array(length),
    )
    const out = expectOut(options.out ?? new Float64Array(rowCount * classCount), rowCount * classCount)
    for (let r = 0; r < rowCount; r++) {
      this.#kernel.score(doubles, r * featureCount, out, r * classCount)
      if (!options.raw) this.#convert(out, r * classCount)
    }
    return out
  }

  /** The number of the leaf at which the row ends in each tree, iteration after iteration, as `predict(pred_leaf=True)`. */
  predictLeaf(row: Doubles): Int32Array {
    return this.#loop().leaves(this.#doubles(row), 0)
  }

  /**
   * TreeSHAP values of the raw score, as `predict(pred_contrib=True)`: for each class `featureCount` contributions and the
   * expected value. Their sum is the raw score.
   * @throws ModelFormatError for linear trees, for which they are not defined
   */
  predictContributions(row: Doubles): Float64Array {
    const doubles = this.#doubles(row)
    const { classCount, treeCount } = this
    const width = this.featureCount + 1
    this.#shap ??= new TreeShap(this.#model.trees)
    const totals = new Float64Array(classCount * width)
    for (let at = 0; at < treeCount; at++) this.#shap.add(at, doubles, totals, (at % classCount) * width)
    return totals
  }

  /** The output for a raw score of a model with one class, to which an offset may have been added. */
  outputOf(rawScore: number): number {
    this.#scores[0] = rawScore
    this.#convert(this.#scores, 0)
    return this.#scores[0]
  }

  /**
   * A row from named values; a feature that is not named is missing, and so are null, undefined and unknown pandas categories.
   * @throws RangeError for a name that is no feature; TypeError for a value that is no number
   */
  rowOf(values: Readonly<Record<string, Category | null | undefined>>): Float64Array {
    const row = new Float64Array(this.featureCount).fill(NaN)
    for (const name of Object.keys(values)) {
      const column = this.#columnOf(name)
      row[column] = this.#valueOf(values[name], column)
    }
    return row
  }

  /**
   * A matrix for `predictBatch` from named columns of one length, as tables have them; otherwise as `rowOf`.
   * @throws RangeError for columns of different lengths
   */
  matrixOf(columns: Readonly<Record<string, ArrayLike<Category | null | undefined>>>): Float64Array {
    const { featureCount } = this
    const names = Object.keys(columns)
    const rowCount = columns[names[0] ?? '']?.length ?? 0
    const matrix = new Float64Array(rowCount * featureCount).fill(NaN)
    for (const name of names) {
      const column = this.#columnOf(name)
      const values = columns[name]!
      if (values.length !== rowCount)
        throw new RangeError(`expected ${rowCount} values in ${show(name)}, got ${values.length}`)
      for (let row = 0; row < rowCount; row++)
        matrix[row * featureCount + column] = this.#valueOf(values[row], column)
    }
    return matrix
  }

  #valueOf(value: unknown, column: number): number {
    const name = this.featureNames[column]!
    const codes = this.#codes.get(column)
    if (codes) return codeOf(value, codes, name)
    if (typeof value === 'string' && this.#model.pandas && !this.#model.pandas.columns)
      throw new TypeError(
        `a row, ${show(name)}: the model has pandas categories, and its file does not say of which columns: name them in the option pandasColumns`,
      )
    return doubleOf(value, 'a row', name)
  }

  #columnOf(name: string): number {
    const { featureNames } = this
    // From the last to the first: of two features with one name the first is meant.
    this.#columns ??= new Map(featureNames.map((each, at) => [each, at] as const).toReversed())
    const column = this.#columns.get(name)
    if (column !== undefined) return column
    const some = featureNames.slice(0, NAMES_IN_ERRORS).join(', ')
    const rest = featureNames.length > NAMES_IN_ERRORS ? `, … ${featureNames.length} in all` : ''
    throw new RangeError(`expected a feature of the model (${some}${rest}), got ${name.slice(0, 40)}`)
  }

  #score(row: Doubles): void {
    this.#kernel.score(this.#doubles(row), 0, this.#scores, 0)
  }

  /** A function is made only for what has to be copied: the calls that return a number allocate nothing. */
  #doubles(row: Doubles): Float64Array {
    if (row instanceof Float64Array) return expectLength('a row', row, this.featureCount)
    return doublesOf('a row', row, this.featureCount, (length) => (this.#row ??= new Float64Array(length)))
  }

  #chooseKernel(packed: Packed | null, wanted: Kernel['name'] | undefined): Kernel {
    const kernel =
      (packed && wanted !== 'typed-array' && wasmKernel(packed, this.featureCount)) ||
      (packed && wanted !== 'wasm' && streamKernel(packed)) ||
      this.#loop()
    if (wanted && kernel.name !== wanted)
      throw new RangeError(`the ${wanted} kernel cannot run this model here`)
    return kernel
  }

  /** Built when it is first needed: a model that the packed kernels run needs it for leaves alone. */
  #loop(): ReferenceLoop {
    return (this.#reference ??= new ReferenceLoop(this.#model.trees, this.classCount))
  }

  #convert(scores: Float64Array, at: number): void {
    const { classCount } = this
    if (this.#averageOutput) for (let k = at; k < at + classCount; k++) scores[k]! /= this.#iterations
    this.#transform(scores, at, classCount)
  }

  #answer(out: Float64Array | undefined): number | Float64Array {
    if (this.classCount === 1 && !out) return this.#scores[0]!
    if (!out) return this.#scores.slice()
    expectOut(out, this.classCount)
    out.set(this.#scores)
    return this.classCount === 1 ? out[0]! : out
  }
}

/** Takes from the options what the file leaves open; what it says itself cannot be said otherwise. */
function complete(model: DumpedModel, options: ModelOptions): Model {
  for (const name of ['objective', 'averageOutput'] as const)
    if (model[name] !== null && options[name] !== undefined && options[name] !== model[name])
      throw new RangeError(
        `expected no ${name}, or the model file's own (${show(model[name])}), got ${show(options[name])}`,
      )
  const objective = model.objective ?? options.objective
  const averageOutput = model.averageOutput ?? options.averageOutput
  if (typeof objective !== 'string' || typeof averageOutput !== 'boolean')
    throw new ModelFormatError(
      'the document',
      `expected objective and average_output, ${typeof objective === 'string' ? 'average_output' : 'objective'} is missing: ` +
        `LightGBM's dumps have both from 2.2.3 on; for an older one pass the options objective, as model.txt has it ` +
        `("binary sigmoid:1", "custom"), and averageOutput (true for a random forest)`,
    )
  const pandas = options.pandasColumns
    ? nameColumns(model.pandas, options.pandasColumns, model.featureNames)
    : model.pandas
  return { ...model, objective, averageOutput, pandas }
}

/** GBDT::InitPredict */
function selectIterations({ trees, classCount }: Model, options: ModelOptions): readonly Tree[] {
  for (const name of ['startIteration', 'numIterations'] as const)
    if (options[name] !== undefined && !Number.isInteger(options[name]))
      throw new RangeError(`expected ${name} to be a whole number, got ${options[name]}`)
  const total = trees.length / classCount
  const start = Math.min(Math.max(options.startIteration ?? 0, 0), total)
  const wanted = options.numIterations ?? 0
  const count = wanted > 0 ? Math.min(wanted, total - start) : total - start
  return trees.slice(start * classCount, (start + count) * classCount)
}
