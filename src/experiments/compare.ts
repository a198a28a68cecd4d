/**
 * The matured predictions of champion and challenger → how they compare. Paired if the shadow has enough pairs, since a pair leaves no
 * chance in who was asked; between the arms if those have enough; which of the two never depends on what comes out.
 */
import { betweenDifferences, type Differences, type Pairs, pairedDifferences } from './difference.ts'
import type { Predictions } from './figures.ts'
import { type SampleRatio, sampleRatio } from './sample-ratio.ts'
import {
  isEnough,
  judgeBetween,
  judgeFailures,
  judgePaired,
  type Judgement,
  type Size,
  unknown,
} from './verdict.ts'

export interface Arms {
  /** What the champion answered and the challenger scored in shadow. */
  readonly pairs: Pairs
  /** What either answered while the users were split in one way. */
  readonly champion: Predictions
  readonly challenger: Predictions
  /** Users that were asked about in that time, matured or not; null if it is not known how they were split. */
  readonly split: Split | null
  /** Predictions that the challenger was asked for, and for which it had no answer: they are in no pair and not in its arm. */
  readonly failures: { readonly asked: number; readonly failed: number }
}

export interface Split {
  readonly challengerShare: number
  readonly champion: number
  readonly challenger: number
}

export interface Comparison extends Judgement {
  readonly basis: 'paired' | 'between' | null
  readonly pairs: Size
  readonly champion: Size
  readonly challenger: Size
  /** Without intervals where there is too little for them. */
  readonly differences: Differences | null
  readonly sampleRatio: SampleRatio | null
}

const RESAMPLES = 1000
/** Any; always the same, so that the same data are answered alike. */
const SEED = 7

export function compare(arms: Arms, resamples = RESAMPLES): Comparison {
  const comparison = compareAnswers(arms, resamples)
  const failing = judgeFailures(arms.failures)
  return comparison.verdict === 'better' && failing ? { ...comparison, ...failing } : comparison
}

function compareAnswers({ pairs, champion, challenger, split }: Arms, resamples: number): Comparison {
  const sizes = { pairs: sizeOf(pairs), champion: sizeOf(champion), challenger: sizeOf(challenger) }
  const ratio = split && sampleRatio(split.champion, split.challenger, split.challengerShare)
  const common = { ...sizes, sampleRatio: ratio }
  const enough = {
    paired: isEnough(sizes.pairs),
    between: isEnough(sizes.champion) && isEnough(sizes.challenger),
  }
  if (enough.paired || (!enough.between && pairs.users > 0)) {
    const differences = pairedDifferences(pairs, { resamples: enough.paired ? resamples : 0, seed: SEED })
    return { basis: 'paired', ...common, differences, ...judgePaired(sizes.pairs, differences) }
  }
  if (champion.users > 0 && challenger.users > 0) {
    const resampling = { resamples: enough.between ? resamples : 0, seed: SEED }
    const differences = betweenDifferences(champion, challenger, resampling)
    const judgement = judgeBetween(sizes.champion, sizes.challenger, ratio, differences)
    return { basis: 'between', ...common, differences, ...judgement }
  }
  return { basis: null, ...common, differences: null, ...unknown(NOTHING) }
}

const NOTHING = 'there are no matured predictions of both models to compare'

function sizeOf({ actual, user, users }: Pick<Predictions, 'actual' | 'user' | 'users'>): Size {
  const payers = new Set(user.filter((_, row) => actual[row]! > 0))
  return { users, predictions: actual.length, payers: payers.size }
}
