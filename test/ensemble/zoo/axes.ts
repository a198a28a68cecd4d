/**
 * What a specimen of the zoo shows, read from its text: objective, booster, decision types, awkward thresholds, trees of one leaf.
 */
import type { Specimen } from '../zoo.ts'

/** What the committed zoo shows at least once. */
export const AXES = [
  'objective: regression, regression sqrt, regression_l1, huber, fair, poisson, quantile, mape, gamma, tweedie, binary sigmoid:1',
  'objective: binary sigmoid:0.7, binary sigmoid:1.01876, multiclass, multiclassova, cross_entropy, cross_entropy_lambda',
  'objective: lambdarank, rank_xendcg, none',
  'booster: dart, goss, rf, rf binary, rf multiclass',
  'decision type: 0, 1, 2, 4, 6, 8, 9, 10',
  'trees: no trees, single leaf first, single leaf midway, single leaf last, single leaf in one class only',
  'trees: linear, linear with categories, deeper than 64, thousands',
  'parameter: use_missing=false, zero_as_missing=true, boost_from_average=false, extra_trees, quantized, monotone',
  `threshold: Infinity, -Infinity, ${-Number.MAX_VALUE}, within 1e-34 of zero, category 100000`,
  'file: pandas categories, odd names, iteration ranges, no dump, version v2',
].flatMap((line) => {
  const [kind, values] = line.split(/: (.*)/) as [string, string]
  return values.split(', ').map((value) => `${kind} ${value}`)
})

export function axesOf(specimen: Specimen): Set<string> {
  const { text, objective, classCount } = specimen
  const axes = new Set<string>()
  const add = (axis: string, present: boolean): unknown => present && axes.add(axis)
  const forest = /^average_output$/m.test(text)
  add(`objective ${objective || 'none'}`, true)
  add(`objective ${objective.split(' ')[0]}`, !objective.startsWith('regression '))
  add('booster dart', text.includes('[boosting: dart]'))
  add('booster goss', text.includes('[data_sample_strategy: goss]'))
  add('booster rf', forest && classCount === 1)
  add('booster rf binary', forest && objective.startsWith('binary'))
  add('booster rf multiclass', forest && objective.startsWith('multiclass'))
  add('trees linear', specimen.linear)
  add('trees linear with categories', specimen.linear && /^num_cat=[1-9]/m.test(text))
  add('parameter use_missing=false', text.includes('[use_missing: 0]'))
  add('parameter zero_as_missing=true', text.includes('[zero_as_missing: 1]'))
  add('parameter boost_from_average=false', text.includes('[boost_from_average: 0]'))
  add('parameter extra_trees', text.includes('[extra_trees: 1]'))
  add('parameter quantized', text.includes('[use_quantized_grad: 1]'))
  add('parameter monotone', text.includes('\nmonotone_constraints='))
  add('file pandas categories', text.includes('\npandas_categorical:[['))
  add('file odd names', specimen.featureNames.includes('__proto__') && text.includes('a=b'))
  add('file iteration ranges', specimen.answers.length > 1)
  add('file no dump', specimen.dump === null)
  add('file version v2', text.includes('\nversion=v2\n'))
  for (const kind of numbersOf(text, 'decision_type')) axes.add(`decision type ${kind}`)
  for (const threshold of numbersOf(text, 'threshold')) {
    add(`threshold ${threshold}`, Math.abs(threshold) > 1e300)
    add('threshold within 1e-34 of zero', threshold !== 0 && Math.abs(threshold) < 1e-34)
  }
  const words = listsOf(text, 'cat_boundaries').flatMap((ends) =>
    ends.map((end, i) => end - (ends[i - 1] ?? 0)),
  )
  add('threshold category 100000', Math.max(...words) > 100_000 / 32)
  add('trees deeper than 64', depthOf(specimen) > 64)
  add('trees thousands', specimen.treeCount >= 3000)
  addSingleLeaves(axes, specimen)
  return axes
}

/** The splits above the deepest leaf. */
function depthOf({ text }: Specimen): number {
  const [lefts, rights] = [listsOf(text, 'left_child'), listsOf(text, 'right_child')]
  let deepest = 0
  for (const [tree, left] of lefts.entries()) {
    const open: [node: number, depth: number][] = left.length > 0 ? [[0, 1]] : []
    for (let at = open.pop(); at; at = open.pop()) {
      deepest = Math.max(deepest, at[1])
      for (const child of [left[at[0]]!, rights[tree]![at[0]]!]) if (child >= 0) open.push([child, at[1] + 1])
    }
  }
  return deepest
}

function addSingleLeaves(axes: Set<string>, { text, classCount }: Specimen): void {
  const single = numbersOf(text, 'num_leaves').map((leaves) => leaves === 1)
  if (single.length === 0) axes.add('trees no trees')
  if (single.every(Boolean)) return
  if (single[0]) axes.add('trees single leaf first')
  if (single.at(-1)) axes.add('trees single leaf last')
  if (single.slice(1, -1).includes(true) && !single[0] && !single.at(-1)) axes.add('trees single leaf midway')
  const classes = new Set([...single.keys()].filter((tree) => single[tree]).map((tree) => tree % classCount))
  if (classCount > 1 && classes.size === 1) axes.add('trees single leaf in one class only')
}

const numbersOf = (text: string, key: string): number[] => listsOf(text, key).flat()

function listsOf(text: string, key: string): number[][] {
  const lines = text.matchAll(new RegExp(`^${key}=(.*?)\\r?$`, 'gm'))
  return Array.from(lines, ([, list]) => list!.split(' ').filter(Boolean).map(toNumber))
}

const toNumber = (text: string): number => Number(text.replace('inf', 'Infinity'))
