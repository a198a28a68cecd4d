/**
 * LightGBM's `ConvertOutput`: raw scores → the objective's output, in place. The formulas are LightGBM's own, in its order of
 * operations (src/objective/*.hpp). `Math.exp` may differ from the C library's in the last place; nothing else does.
 */
import { ModelFormatError } from './errors.ts'
import { expOf } from './exponential.ts'

/** Turns `count` raw scores at `start` into outputs. */
export type Transform = (scores: Float64Array, start: number, count: number) => void

/**
 * ParseObjectiveAlias: names that old versions wrote, or that stand for others. LightGBM knows them without parameters alone.
 */
const CANONICAL = new Map(
  Object.entries({
    regression: [
      'regression_l2',
      'mean_squared_error',
      'mse',
      'l2',
      'l2_root',
      'root_mean_squared_error',
      'rmse',
    ],
    regression_l1: ['mean_absolute_error', 'l1', 'mae'],
    multiclass: ['softmax'],
    multiclassova: ['multiclass_ova', 'ova', 'ovr'],
    cross_entropy: ['xentropy'],
    cross_entropy_lambda: ['xentlambda'],
    mape: ['mean_absolute_percentage_error'],
    rank_xendcg: ['xendcg', 'xe_ndcg', 'xe_ndcg_mart', 'xendcg_mart'],
    custom: ['none', 'null', 'na'],
  }).flatMap(([name, aliases]) => aliases.map((alias) => [alias, name] as const)),
)

/** @param objective the file's text, e.g. `tweedie` or `binary sigmoid:1`; '' for a custom objective: outputs are raw scores */
export function transformOf(objective: string, classCount: number): Transform {
  const [name = '', ...parameters] = (CANONICAL.get(objective) ?? objective).split(' ')
  switch (name) {
    case '':
    case 'custom':
    case 'huber':
    case 'lambdarank':
    case 'rank_xendcg':
      return () => {}
    case 'regression':
    case 'regression_l1':
    case 'quantile':
    case 'fair':
    case 'mape':
      return parameters.includes('sqrt') ? square : () => {}
    case 'poisson':
    case 'gamma':
    case 'tweedie':
      return exponential
    case 'cross_entropy':
      return logistic(1)
    case 'cross_entropy_lambda':
      return softplus
    case 'multiclassova':
      checkClasses(parameters, classCount, objective)
      return logistic(sigmoidOf(parameters, objective))
    case 'binary':
      return logistic(sigmoidOf(parameters, objective))
    case 'multiclass':
      checkClasses(parameters, classCount, objective)
      return softmax
    default:
      throw new ModelFormatError('objective', `unknown objective "${objective}"`)
  }
}

// Each has a loop of its own: a function given to a common loop would return a number on the heap for every score.

function square(scores: Float64Array, start: number, count: number): void {
  for (let i = start; i < start + count; i++) scores[i] = Math.sign(scores[i]!) * scores[i]! * scores[i]!
}

function exponential(scores: Float64Array, start: number, count: number): void {
  for (let i = start; i < start + count; i++) scores[i] = Math.exp(scores[i]!)
}

function softplus(scores: Float64Array, start: number, count: number): void {
  for (let i = start; i < start + count; i++) scores[i] = Math.log1p(Math.exp(scores[i]!))
}

function logistic(sigmoid: number): Transform {
  return (scores, start, count) => {
    for (let i = start; i < start + count; i++) scores[i] = 1 / (1 + Math.exp(-sigmoid * scores[i]!))
  }
}

/** Common::Softmax */
function softmax(scores: Float64Array, start: number, count: number): void {
  let max = scores[start]!
  for (let i = start + 1; i < start + count; i++) max = scores[i]! > max ? scores[i]! : max
  let sum = 0
  for (let i = start; i < start + count; i++) sum += scores[i] = expOf(scores[i]! - max)
  for (let i = start; i < start + count; i++) scores[i]! /= sum
}

function checkClasses(parameters: readonly string[], classCount: number, objective: string): void {
  if (!parameters.includes(`num_class:${classCount}`))
    throw new ModelFormatError('objective', `expected num_class:${classCount} in "${objective}"`)
}

function sigmoidOf(parameters: readonly string[], objective: string): number {
  const text = parameters.find((parameter) => parameter.startsWith('sigmoid:'))?.slice('sigmoid:'.length)
  const value = text === undefined ? NaN : readSloppily(text)
  if (!(value > 0)) throw new ModelFormatError('objective', `expected a sigmoid > 0 in "${objective}"`)
  return value
}

/**
 * LightGBM reads this number with Common::Atof, which does not round correctly: 1.14 becomes the double beside it. To give
 * its outputs we read it the same way.
 */
function readSloppily(text: string): number {
  const match = /^([0-9]*)(?:\.([0-9]*))?(?:[eE]([+-]?[0-9]+))?$/.exec(text)
  if (!match) return NaN
  const [, whole = '', fraction = '', exponent = '0'] = match
  const digits = (run: string): number => [...run].reduce((value, digit) => value * 10 + Number(digit), 0)
  const value = digits(whole) + digits(fraction) / 10 ** fraction.length
  let scale = 1
  let left = Math.min(Math.abs(Number(exponent)), 308)
  for (; left >= 50; left -= 50) scale *= 1e50
  for (; left >= 8; left -= 8) scale *= 1e8
  for (; left > 0; left--) scale *= 10
  return Number(exponent) < 0 ? value / scale : value * scale
}
