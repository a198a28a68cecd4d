/**
 * Reads LightGBM's `dump_model()` JSON into a Model. Refuses, with the place, whatever it does not understand.
 *
 * JSON cannot hold an infinity. LightGBM writes every threshold beyond ±1e300 as ±1e300 (Common::AvoidInf): above stands for
 * +∞, which splits NaN from all else; below can only be −Number.MAX_VALUE, the least that its training chooses.
 */
import { expectWhole, MAX_INT32, ModelFormatError, show } from './errors.ts'
import { type PandasCategories, readCategories } from './pandas.ts'
import {
  CATEGORICAL,
  checkTree,
  DEFAULT_LEFT,
  type LinearLeaves,
  MISSING_SHIFT,
  type Model,
  type Tree,
} from './tree.ts'

type Json = Readonly<Record<string, unknown>>

const MISSING_TYPES: readonly unknown[] = ['None', 'Zero', 'NaN']

/** A set with this category takes 2 MB, and a dump asks for it with a few bytes. */
const MAX_CATEGORY = 2 ** 24 - 1
/** What all sets of a model may take: 64 MB. A few bytes of JSON can ask for a set of 2 MB. */
const MAX_CATEGORY_WORDS = 2 ** 24

/** What a dump before 2.2.3 does not say: null where the file is silent and nobody was asked. */
export interface DumpedModel extends Omit<Model, 'objective' | 'averageOutput'> {
  readonly objective: string | null
  readonly averageOutput: boolean | null
}

export function readDump(document: unknown): DumpedModel {
  const dump = object(document, 'the document')
  const names = dump['feature_names']
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
    throw new ModelFormatError('feature_names', 'expected a list of names')
  const featureCount = whole(dump, 'max_feature_idx', 'the document') + 1
  if (featureCount !== names.length)
    throw new ModelFormatError(
      'max_feature_idx',
      `${featureCount} columns, but ${names.length} feature names`,
    )
  const classCount = whole(dump, 'num_tree_per_iteration', 'the document')
  const treeInfo = dump['tree_info']
  if (!Array.isArray(treeInfo)) throw new ModelFormatError('tree_info', 'expected a list of trees')
  const average = dump['average_output'] ?? null
  if (average !== null && typeof average !== 'boolean')
    throw new ModelFormatError('average_output', `expected true or false, got ${show(average)}`)
  // Both came with 2.2.3. From then on a dump without an objective has a custom one.
  const objective = dump['objective'] ?? (average === null ? null : '')
  if (objective !== null && typeof objective !== 'string')
    throw new ModelFormatError('objective', 'expected a text')
  const budget = { words: MAX_CATEGORY_WORDS }
  return {
    featureNames: names,
    classCount,
    objective,
    averageOutput: average,
    pandas: readPandas(dump, names),
    trees: treeInfo.map((info, at) => {
      const where = `tree_info[${at}]`
      const tree = readTree(
        object(object(info, where)['tree_structure'], `${where}.tree_structure`),
        budget,
        where,
      )
      checkTree(tree, featureCount, where)
      return tree
    }),
  }
}

/** A dump has no parameters; `feature_infos` lists the values of a column that is categorical and not constant. */
function readPandas(dump: Json, names: readonly string[]): PandasCategories | null {
  const infos = dump['feature_infos']
  const candidates = names.flatMap((name, column) => {
    const info =
      typeof infos === 'object' && infos !== null && Object.hasOwn(infos, name) ? (infos as Json)[name] : null
    const values = (info as Json | null)?.['values']
    if (!Array.isArray(values) || values.length === 0) return []
    return [{ column, greatest: Math.max(...values.map(Number)) }]
  })
  return readCategories(dump['pandas_categorical'], candidates)
}

/** Splits are numbered from parent to child; leaves have the file's own `leaf_index`. No recursion: trees may be deep. */
function readTree(root: Json, budget: { words: number }, where: string): Tree {
  const splits: Json[] = []
  const leaves: Json[] = []
  const left: number[] = []
  const right: number[] = []
  const open: { json: Json; hang: (child: number) => void }[] = [{ json: root, hang: () => {} }]
  const seen = new Set<Json>()
  for (let next = open.pop(); next; next = open.pop()) {
    const { json, hang } = next
    if (seen.has(json)) throw new ModelFormatError(where, 'a node has two parents')
    seen.add(json)
    if ('leaf_value' in json) {
      const index = json['leaf_index'] === undefined ? 0 : whole(json, 'leaf_index', where)
      if (leaves[index]) throw new ModelFormatError(where, `leaf_index ${index} is used twice`)
      leaves[index] = json
      hang(~index)
      continue
    }
    const split = splits.push(json) - 1
    hang(split)
    const children: [string, number[]][] = [
      ['right_child', right],
      ['left_child', left],
    ]
    for (const [key, list] of children)
      open.push({
        json: object(json[key], `${where}, ${key} of split ${show(json['split_index'])}`),
        hang: (child) => (list[split] = child),
      })
  }
  if (leaves.length !== splits.length + 1)
    throw new ModelFormatError(
      where,
      `expected leaf_index from 0 to ${splits.length}, got ${leaves.length - 1}`,
    )

  const categories: Uint32Array[] = []
  const threshold = new Float64Array(splits.length)
  const decision = new Uint8Array(splits.length)
  splits.forEach((json, split) => {
    const place = `${where}, split ${show(json['split_index'])}`
    decision[split] = readDecision(json, place)
    threshold[split] =
      decision[split]! & CATEGORICAL
        ? categories.push(readSet(json['threshold'], budget, place)) - 1
        : readThreshold(json, place)
  })
  return {
    feature: Int32Array.from(splits, (json, split) =>
      whole(json, 'split_feature', `${where}, split ${split}`),
    ),
    threshold,
    decision,
    left: Int32Array.from(left),
    right: Int32Array.from(right),
    categories,
    leafValue: Float64Array.from(leaves, (json, leaf) =>
      number(json, 'leaf_value', `${where}, leaf ${leaf}`),
    ),
    splitRows: counts(splits, 'internal_count'),
    leafRows: counts(leaves, 'leaf_count'),
    linear: 'leaf_const' in leaves[0]! ? readLinear(leaves, where) : null,
  }
}

function readDecision(json: Json, where: string): number {
  const { decision_type: decision, missing_type: missing, default_left: defaultLeft } = json
  if (decision !== '==' && decision !== '<=')
    throw new ModelFormatError(where, `expected decision_type "<=" or "==", got ${show(decision)}`)
  if (missing === undefined && defaultLeft === undefined)
    throw new ModelFormatError(
      where,
      'expected missing_type and default_left, both are missing: dumps of LightGBM 2.0.5 do not say where missing values go; use model.txt',
    )
  if (!MISSING_TYPES.includes(missing))
    throw new ModelFormatError(where, `expected missing_type None, Zero or NaN, got ${show(missing)}`)
  if (typeof defaultLeft !== 'boolean')
    throw new ModelFormatError(where, 'expected default_left to be true or false')
  return (
    (decision === '==' ? CATEGORICAL : 0) |
    (defaultLeft ? DEFAULT_LEFT : 0) |
    (MISSING_TYPES.indexOf(missing) << MISSING_SHIFT)
  )
}

function readThreshold(json: Json, where: string): number {
  const threshold = number(json, 'threshold', where)
  return threshold >= 1e300 ? Infinity : threshold <= -1e300 ? -Number.MAX_VALUE : threshold
}

/** `"0||3||17"` → bits 0, 3 and 17. */
function readSet(threshold: unknown, budget: { words: number }, where: string): Uint32Array {
  if (typeof threshold !== 'string' || !/^\d+(?:\|\|\d+)*$/.test(threshold))
    throw new ModelFormatError(where, `expected categories "a||b||…", got ${show(threshold)}`)
  const categories = threshold.split('||').map(Number)
  let words = 0
  for (const category of categories) {
    if (category > MAX_CATEGORY)
      throw new ModelFormatError(
        where,
        `expected a category to be a whole number from 0 to ${MAX_CATEGORY}, got ${category}: a set takes a bit for every number up to it; use model.txt, which brings the bits itself`,
      )
    words = Math.max(words, (category >>> 5) + 1)
  }
  budget.words -= words
  if (budget.words < 0)
    throw new ModelFormatError(
      where,
      `the sets of categories up to here take more than ${MAX_CATEGORY_WORDS * 4} bytes`,
    )
  const set = new Uint32Array(words)
  for (const category of categories) set[category >>> 5]! |= 1 << (category & 31)
  return set
}

function readLinear(leaves: readonly Json[], where: string): LinearLeaves {
  const list = (json: Json, key: string, leaf: number): number[] => {
    const value = json[key]
    if (!Array.isArray(value) || !value.every((each) => typeof each === 'number'))
      throw new ModelFormatError(`${where}, leaf ${leaf}`, `expected ${key} to be a list of numbers`)
    return value
  }
  return {
    constant: Float64Array.from(leaves, (json, leaf) => number(json, 'leaf_const', `${where}, leaf ${leaf}`)),
    features: leaves.map((json, leaf) =>
      Int32Array.from(list(json, 'leaf_features', leaf), (column) =>
        expectWhole(column, 0, MAX_INT32, 'leaf_features', where),
      ),
    ),
    coefficients: leaves.map((json, leaf) => Float64Array.from(list(json, 'leaf_coeff', leaf))),
  }
}

/** They serve contributions only; without them LightGBM takes zeros. */
function counts(nodes: readonly Json[], key: string): Float64Array {
  return Float64Array.from(nodes, (json) => (typeof json[key] === 'number' ? json[key] : 0))
}

function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ModelFormatError(where, `expected an object, got ${value === null ? 'null' : typeof value}`)
  return value as Json
}

function number(json: Json, key: string, where: string): number {
  const value = json[key]
  if (typeof value !== 'number')
    throw new ModelFormatError(where, `expected ${key} to be a number, got ${show(value)}`)
  return value
}

function whole(json: Json, key: string, where: string): number {
  return expectWhole(json[key], 0, MAX_INT32, key, where)
}
