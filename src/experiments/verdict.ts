/**
 * What a comparison found → a verdict and the reason in a sentence. Better is a challenger with a surely lower mean absolute error, if
 * neither its order nor its bias is surely worse: most revenue is 0, so whoever predicts too little has the lower error and the worse
 * bias. Where there is no difference, better and worse together are said in about 5 % of cases.
 */
import type { Difference, Differences, Interval } from './difference.ts'
import type { SampleRatio } from './sample-ratio.ts'

export const VERDICTS = ['better', 'worse', 'not yet known'] as const

export interface Judgement {
  /** Of the challenger. */
  readonly verdict: (typeof VERDICTS)[number]
  readonly reason: string
}

export interface Size {
  readonly users: number
  readonly predictions: number
  /** Users with revenue. */
  readonly payers: number
}

/** What a mean of heavy-tailed revenue needs for its interval to be right that often. */
export const LEAST: Omit<Size, 'predictions'> = { users: 200, payers: 50 }

export const isEnough = ({ users, payers }: Size): boolean => users >= LEAST.users && payers >= LEAST.payers

export function judgePaired(pairs: Size, differences: Differences): Judgement {
  return isEnough(pairs) ? judge(differences) : tooFew('both models answered', pairs)
}

/** @param ratio null: it is not known how the users were split */
export function judgeBetween(
  champion: Size,
  challenger: Size,
  ratio: SampleRatio | null,
  differences: Differences,
): Judgement {
  if (!isEnough(challenger)) return tooFew('the challenger answered', challenger)
  if (!isEnough(champion)) return tooFew('the champion answered', champion)
  if (!ratio) return unknown('it is not on record how the users were split, so the arms cannot be compared')
  if (ratio.mismatch) {
    const [share, expected] = [
      ratio.challenger / (ratio.champion + ratio.challenger),
      ratio.expectedChallengerShare,
    ]
    return unknown(
      `sample ratio mismatch: the challenger has ${percent(share)} of the users where ${percent(expected)} were expected ` +
        `(p = ${short(ratio.pValue)}), so the arms cannot be compared`,
    )
  }
  return judge(differences)
}

/** Of what it was asked, that a challenger may leave without an answer and still be called better. */
const MOST_FAILURES = 0.01

/** Null: there are few enough. Those with an answer may be the easy ones. */
export function judgeFailures({ asked, failed }: { readonly asked: number; readonly failed: number }) {
  if (failed <= MOST_FAILURES * asked) return null
  return unknown(
    `the challenger had no finite answer for ${failed} of ${asked} predictions (${percent(failed / asked)}), which are not compared`,
  )
}

export const unknown = (reason: string): Judgement => ({ verdict: 'not yet known', reason })

function judge({ mae, normalisedGini, biasRatio, biasDistance }: Differences): Judgement {
  if (!mae.interval) return unknown('the mean absolute error has no interval')
  const found = `mean absolute error ${insteadOf(mae)}, difference ${short(mae.difference)} (${between(mae.interval)})`
  if (mae.interval.low > 0) return { verdict: 'worse', reason: `higher ${found}` }
  if (mae.interval.high >= 0)
    return unknown(`${found}: that may be chance, since the interval of the difference holds 0`)
  if (biasDistance.challenger === Infinity || (biasDistance.interval && biasDistance.interval.low > 0))
    return unknown(`lower ${found}, but a worse bias: predictions over revenue ${insteadOf(biasRatio)}`)
  if (normalisedGini.interval && normalisedGini.interval.high < 0)
    return unknown(`lower ${found}, but a worse order: normalised Gini ${insteadOf(normalisedGini)}`)
  if (!biasDistance.interval || !normalisedGini.interval)
    return unknown(`lower ${found}, but bias or order cannot be told`)
  return { verdict: 'better', reason: `lower ${found}; neither order nor bias is surely worse` }
}

const tooFew = (of: string, { users, payers }: Size): Judgement =>
  unknown(
    `too few have matured: of the users that ${of}, ${users}, of whom ${payers} paid; ` +
      `expected at least ${LEAST.users} and ${LEAST.payers}`,
  )

const insteadOf = ({ champion, challenger }: Difference): string =>
  `${short(challenger)} instead of ${short(champion)}`
const between = ({ low, high }: Interval): string => `95 % interval ${short(low)} to ${short(high)}`
const percent = (share: number): string => `${short(share * 100)} %`
const short = (value: number): string => String(Number(value.toPrecision(3)))
