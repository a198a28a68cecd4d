/**
 * Reads LightGBM's `dump_model()` JSON into a Model. Refuses, with the place, whatever it does not understand: linear trees,
 * unknown decision and missing types, features outside the columns, trees with holes.
 *
 * JSON cannot hold an infinity: LightGBM writes infinite thresholds as ±1e300 (GBDT::DumpModel, AvoidInf).
 */
import { ModelFormatError } from './errors.ts'
import {
  type Leaf,
  MISSING_NAN,
  MISSING_NONE,
  MISSING_ZERO,
  type MissingType,
  type Model,
  type TreeNode,
} from './model.ts'

type Json = Readonly<Record<string, unknown>>

const MISSING_TYPES = new Map<unknown, MissingType>([
  ['None', MISSING_NONE],
  ['Zero', MISSING_ZERO],
  ['NaN', MISSING_NAN],
])

/** LightGBM's own training stops far below this; a bitset for it takes 2 MB. */
const MAX_CATEGORY = 2 ** 24

export function readDump(document: unknown): Model {
  const dump = object(document, 'the document')
  const names = dump['feature_names']
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string'))
    throw new ModelFormatError('feature_names', 'expected a list of names')
  const featureCount = whole(dump, 'max_feature_idx', 'the document', Number.MAX_SAFE_INTEGER - 1) + 1
  if (featureCount !== names.length)
    throw new ModelFormatError(
      'max_feature_idx',
      `${featureCount} columns, but ${names.length} feature names`,
    )
  const classCount = whole(dump, 'num_tree_per_iteration', 'the document', 1e6)
  const treeInfo = dump['tree_info']
  if (!Array.isArray(treeInfo)) throw new ModelFormatError('tree_info', 'expected a list of trees')
  if (classCount < 1 || treeInfo.length % classCount !== 0)
    throw new ModelFormatError(
      'tree_info',
      `${treeInfo.length} trees are not a multiple of ${classCount} classes`,
    )
  const objective = dump['objective'] ?? ''
  if (typeof objective !== 'string') throw new ModelFormatError('objective', 'expected a text')
  return {
    featureNames: names,
    classCount,
    objective,
    averageOutput: dump['average_output'] === true,
    trees: treeInfo.map((info, at) => {
      const where = `tree_info[${at}]`
      return readTree(
        object(object(info, where)['tree_structure'], `${where}.tree_structure`),
        where,
        featureCount,
      )
    }),
  }
}

/**
 * Depth first with a stack of our own, since a tree may be deeper than the call stack. A node is finished when both of its
 * children are: each frame collects them in turn.
 */
function readTree(root: Json, where: string, featureCount: number): TreeNode {
  interface Frame {
    readonly json: Json
    left?: TreeNode
  }
  const stack: Frame[] = []
  let json = root
  for (;;) {
    if ('leaf_value' in json === false) {
      stack.push({ json })
      json = object(json['left_child'], `${where}, left_child`)
      continue
    }
    let done: TreeNode = readLeaf(json, where)
    for (;;) {
      const frame = stack.at(-1)
      if (!frame) return done
      if (!frame.left) {
        frame.left = done
        json = object(frame.json['right_child'], `${where}, right_child`)
        break
      }
      stack.pop()
      done = readSplit(frame.json, frame.left, done, where, featureCount)
    }
  }
}

function readLeaf(json: Json, where: string): Leaf {
  if ('leaf_const' in json)
    throw new ModelFormatError(where, 'linear trees (linear_tree=true) are not supported')
  const index = json['leaf_index'] === undefined ? 0 : whole(json, 'leaf_index', where, 2 ** 31)
  const value = json['leaf_value']
  if (typeof value !== 'number')
    throw new ModelFormatError(`${where}, leaf ${index}`, 'expected leaf_value to be a number')
  return { value, index }
}

function readSplit(
  json: Json,
  left: TreeNode,
  right: TreeNode,
  tree: string,
  featureCount: number,
): TreeNode {
  const where = `${tree}, split ${String(json['split_index'])}`
  const feature = whole(json, 'split_feature', where, featureCount - 1)
  const { decision_type: decision, threshold, default_left: defaultLeft } = json
  if (decision === '==') return { feature, categories: readCategories(threshold, where), left, right }
  if (decision !== '<=')
    throw new ModelFormatError(where, `expected decision_type "<=" or "==", got ${JSON.stringify(decision)}`)
  if (typeof threshold !== 'number')
    throw new ModelFormatError(where, `expected threshold to be a number, got ${JSON.stringify(threshold)}`)
  const missing = MISSING_TYPES.get(json['missing_type'])
  if (missing === undefined)
    throw new ModelFormatError(
      where,
      `expected missing_type None, Zero or NaN, got ${JSON.stringify(json['missing_type'])}`,
    )
  if (typeof defaultLeft !== 'boolean')
    throw new ModelFormatError(where, 'expected default_left to be true or false')
  return { feature, threshold: widenInfinity(threshold), missing, defaultLeft, left, right }
}

function widenInfinity(threshold: number): number {
  return threshold >= 1e300 ? Infinity : threshold <= -1e300 ? -Infinity : threshold
}

/** `"0||3||17"` → bits 0, 3 and 17. */
function readCategories(threshold: unknown, where: string): Uint32Array {
  const categories = String(threshold).split('||').map(Number)
  for (const category of categories)
    if (!Number.isInteger(category) || category < 0 || category > MAX_CATEGORY)
      throw new ModelFormatError(
        where,
        `expected categories "a||b||…" from 0 to ${MAX_CATEGORY}, got ${JSON.stringify(threshold)}`,
      )
  const words = new Uint32Array((Math.max(...categories) >>> 5) + 1)
  for (const category of categories) words[category >>> 5]! |= 1 << (category & 31)
  return words
}

function object(value: unknown, where: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ModelFormatError(where, `expected an object, got ${value === null ? 'null' : typeof value}`)
  return value as Json
}

function whole(json: Json, key: string, where: string, max: number): number {
  const value = json[key]
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0 || value > max)
    throw new ModelFormatError(
      where,
      `expected ${key} to be a whole number from 0 to ${max}, got ${JSON.stringify(value)}`,
    )
  return value
}
