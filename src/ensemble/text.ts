/**
 * Reads LightGBM's own text format (`model.txt`) into a Model: GBDT::LoadModelFromString and Tree::Tree(const char*). Goes by
 * keys, not by the version number, as LightGBM does. Refuses a file that ends before its trees do, trees whose size is not what
 * `tree_sizes` says, lists whose length is not what they say, and what is no number.
 */
import { expectWhole, MAX_INT32, ModelFormatError, show } from './errors.ts'
import { type PandasCategories, readCategories } from './pandas.ts'
import { CATEGORICAL, checkTree, type LinearLeaves, type Model, type Tree } from './tree.ts'

export function readText(text: string): Model {
  const lines = text.split(/\r?\n/)
  if (lines[0] !== 'tree')
    throw new ModelFormatError('line 1', `expected "tree", got ${JSON.stringify(lines[0]!.slice(0, 40))}`)
  const firstTree = lines.findIndex((line) => line.startsWith('Tree='))
  const mark = lines.indexOf('end of trees')
  // Before 2.2.0 the trees end at the importances, behind one more empty line.
  const end = mark >= 0 ? mark : lines.indexOf('feature importances:')
  if (end < 0) throw new ModelFormatError('the end', 'expected "end of trees": the file is cut short')

  const header = readKeys(lines, 1, firstTree < 0 ? end : firstTree)
  const featureCount = wholeOf(header, 'max_feature_idx', 'the header') + 1
  const featureNames = (header.get('feature_names') ?? '').split(' ').filter((name) => name !== '')
  if (featureNames.length !== featureCount)
    throw new ModelFormatError(
      'the header',
      `max_feature_idx says ${featureCount} columns, feature_names has ${featureNames.length}`,
    )
  const infos = header
    .get('feature_infos')
    ?.split(' ')
    .filter((info) => info !== '')
  if (infos?.length !== featureCount)
    throw new ModelFormatError(
      'the header',
      `max_feature_idx says ${featureCount} columns, feature_infos has ${infos?.length ?? 0}`,
    )
  const sizes = header.has('tree_sizes') ? readSizes(header.get('tree_sizes')!) : undefined
  const classes = header.has('num_tree_per_iteration') ? 'num_tree_per_iteration' : 'num_class'

  const trees: Tree[] = []
  for (let line = firstTree; line >= 0 && line < end;) {
    let next = line + 1
    while (next < end && !lines[next]!.startsWith('Tree=')) next++
    const where = `tree ${trees.length} (line ${line + 1})`
    if (lines[line] !== `Tree=${trees.length}`)
      throw new ModelFormatError(
        where,
        `expected "Tree=${trees.length}", got ${show(lines[line])}: a tree is missing or doubled`,
      )
    const size = sizes?.[trees.length]
    if (size !== undefined) checkSize(lines, line, mark < 0 && next === end ? next - 1 : next, size, where)
    const tree = readTree(readKeys(lines, line + 1, next), where)
    checkTree(tree, featureCount, where)
    trees.push(tree)
    line = next
  }
  if (sizes && sizes.length !== trees.length)
    throw new ModelFormatError('the header', `tree_sizes says ${sizes.length} trees, got ${trees.length}`)
  return {
    featureNames,
    classCount: wholeOf(header, classes, 'the header'),
    objective: header.get('objective') ?? '',
    averageOutput: header.has('average_output'),
    pandas: readPandas(lines, end, infos),
    trees,
  }
}

function readPandas(
  lines: readonly string[],
  end: number,
  infos: readonly string[],
): PandasCategories | null {
  const [key, option] = ['pandas_categorical:', '[categorical_feature: ']
  const line = lines.findLast((each, at) => at > end && each.startsWith(key))
  if (line === undefined) return null
  let value: unknown
  try {
    value = JSON.parse(line.slice(key.length))
  } catch {
    throw new ModelFormatError('pandas_categorical', `expected JSON, got ${show(line.slice(key.length))}`)
  }
  const listed = lines.find((each, at) => at > end && each.startsWith(option))?.slice(option.length, -1)
  const columns =
    listed
      ?.split(',')
      .filter((each) => each !== '')
      .map(Number) ?? []
  return readCategories(
    value,
    columns.map((column) => ({ column, greatest: greatestCode(infos[column] ?? '') })),
  )
}

/** `3:5:-1:0` → 5; `none`, of a column of one value, is 0 */
const greatestCode = (info: string): number =>
  info === 'none' ? 0 : /^-?\d+(?::-?\d+)*$/.test(info) ? Math.max(...info.split(':').map(Number)) : Infinity

function readSizes(text: string): readonly number[] {
  return text
    .split(' ')
    .filter((size) => size !== '')
    .map((size) => expectWhole(Number(size), 0, MAX_INT32, 'tree_sizes', 'the header'))
}

/** Bytes with line feeds alone: a file that passed through Windows is still whole. What LightGBM writes in a tree is ASCII. */
function checkSize(lines: readonly string[], start: number, end: number, size: number, where: string): void {
  let bytes = 0
  for (let at = start; at < end; at++) bytes += lines[at]!.length + 1
  if (bytes !== size)
    throw new ModelFormatError(
      where,
      `expected ${size} bytes, as tree_sizes in the header says, got ${bytes}: the file was changed or damaged`,
    )
}

type Keys = ReadonlyMap<string, string>

function readKeys(lines: readonly string[], start: number, end: number): Keys {
  const keys = new Map<string, string>()
  for (let at = start; at < end; at++) {
    const line = lines[at]!
    if (line === '') continue
    const equals = line.indexOf('=')
    if (equals < 0) keys.set(line, '')
    else keys.set(line.slice(0, equals), line.slice(equals + 1))
  }
  return keys
}

function readTree(keys: Keys, where: string): Tree {
  const leaves = wholeOf(keys, 'num_leaves', where)
  if (leaves < 1) throw new ModelFormatError(where, 'expected num_leaves ≥ 1, got 0')
  const splits = leaves - 1
  const categoryCount = wholeOf(keys, 'num_cat', where)
  // A tree of one leaf may leave out the lists of splits.
  const list = (key: string, length: number): number[] =>
    length === 0 && !keys.has(key) ? [] : numbersOf(keys, key, length, where)
  // Counts serve contributions only; without them LightGBM takes zeros.
  const counts = (key: string, length: number): Float64Array =>
    keys.get(key) ? Float64Array.from(list(key, length)) : new Float64Array(length)

  // The values first: a file that claims a billion leaves has to bring them.
  const leafValue = Float64Array.from(list('leaf_value', leaves))
  const decision = Uint8Array.from(
    keys.has('decision_type') ? list('decision_type', splits) : Array.from({ length: splits }, () => 0),
    (value) => expectWhole(value, 0, 15, 'decision_type', where),
  )
  // Tree::Decision asks num_cat first: without categorical splits the bit means nothing.
  if (categoryCount === 0) for (let split = 0; split < splits; split++) decision[split]! &= ~CATEGORICAL
  return {
    feature: integersOf(list('split_feature', splits), 'split_feature', where),
    threshold: Float64Array.from(list('threshold', splits)),
    decision,
    left: integersOf(list('left_child', splits), 'left_child', where),
    right: integersOf(list('right_child', splits), 'right_child', where),
    categories: categoryCount === 0 ? [] : readSets(keys, categoryCount, where),
    leafValue,
    splitRows: counts('internal_count', splits),
    leafRows: counts('leaf_count', leaves),
    linear: keys.get('is_linear') === '1' ? readLinear(keys, leaves, where) : null,
  }
}

function readSets(keys: Keys, count: number, where: string): Uint32Array[] {
  const bounds = numbersOf(keys, 'cat_boundaries', count + 1, where)
  const words = numbersOf(keys, 'cat_threshold', bounds.at(-1)!, where)
  bounds.forEach((bound, at) =>
    expectWhole(bound, at === 0 ? 0 : bounds[at - 1]!, at === 0 ? 0 : words.length, 'cat_boundaries', where),
  )
  return Array.from({ length: count }, (_, at) =>
    Uint32Array.from(words.slice(bounds[at], bounds[at + 1]), (word) =>
      expectWhole(word, 0, 2 ** 32 - 1, 'cat_threshold', where),
    ),
  )
}

/** Flat lists, leaf after leaf, `num_features` of each. */
function readLinear(keys: Keys, leaves: number, where: string): LinearLeaves {
  const lengths = numbersOf(keys, 'num_features', leaves, where)
  for (const length of lengths) expectWhole(length, 0, MAX_INT32, 'num_features', where)
  const total = lengths.reduce((sum, length) => sum + length, 0)
  const features = integersOf(numbersOf(keys, 'leaf_features', total, where), 'leaf_features', where)
  const coefficients = Float64Array.from(numbersOf(keys, 'leaf_coeff', total, where))
  const starts = lengths.map(() => 0)
  for (let leaf = 1; leaf < leaves; leaf++) starts[leaf] = starts[leaf - 1]! + lengths[leaf - 1]!
  return {
    constant: Float64Array.from(numbersOf(keys, 'leaf_const', leaves, where)),
    features: lengths.map((length, leaf) => features.subarray(starts[leaf], starts[leaf]! + length)),
    coefficients: lengths.map((length, leaf) => coefficients.subarray(starts[leaf], starts[leaf]! + length)),
  }
}

const NUMBER = /^[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?$/i
const NOT_FINITE = new Map([
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['nan', NaN],
  ['-nan', NaN],
])

function numbersOf(keys: Keys, key: string, length: number, where: string): number[] {
  const text = keys.get(key)
  if (text === undefined) throw new ModelFormatError(where, `expected ${key}, it is missing`)
  const tokens = text.split(' ').filter((token) => token !== '')
  if (tokens.length !== length)
    throw new ModelFormatError(where, `expected ${length} numbers in ${key}, got ${tokens.length}`)
  return tokens.map((token) => {
    if (NUMBER.test(token)) return Number(token)
    const value = NOT_FINITE.get(token)
    if (value === undefined)
      throw new ModelFormatError(
        where,
        `expected numbers in ${key}, got ${JSON.stringify(token.slice(0, 40))}`,
      )
    return value
  })
}

/** Typed arrays would turn 4294967296 into 0 and 0.5 into 0 without a word. */
function integersOf(values: readonly number[], key: string, where: string): Int32Array {
  return Int32Array.from(values, (value) => expectWhole(value, -MAX_INT32 - 1, MAX_INT32, key, where))
}

function wholeOf(keys: Keys, key: string, where: string): number {
  const text = keys.get(key)
  const value = Number(text)
  if (text === undefined || !/^\d+$/.test(text) || value >= 2 ** 31)
    throw new ModelFormatError(where, `expected ${key} to be a whole number ≥ 0, got ${JSON.stringify(text)}`)
  return value
}
