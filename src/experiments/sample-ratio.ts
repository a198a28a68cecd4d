/**
 * How many users each arm has → whether the split is the one that was set. Where it is not, something decides who is counted (answers
 * that are lost, processes that split otherwise), and no comparison between the arms can be trusted: Fabijan et al. 2019,
 * "Diagnosing sample ratio mismatch in online controlled experiments".
 */

export interface SampleRatio {
  readonly champion: number
  readonly challenger: number
  readonly expectedChallengerShare: number
  /** The chance of a ratio at least that far off where the split is right. */
  readonly pValue: number
  readonly mismatch: boolean
}

/** As is usual (Kohavi, Tang & Xu 2020, "Trustworthy online controlled experiments", ch. 21): a mismatch ends the experiment. */
const MISMATCH_BELOW = 0.001

/** Pearson's chi-square with one degree of freedom. Null where there is nobody, or no split: all users are to be in one arm. */
export function sampleRatio(champion: number, challenger: number, share: number): SampleRatio | null {
  const users = champion + challenger
  if (users === 0 || share <= 0 || share >= 1) return null
  const chiSquare = (challenger - users * share) ** 2 / (users * share * (1 - share))
  const pValue = Math.min(1, erfc(Math.sqrt(chiSquare / 2)))
  return { champion, challenger, expectedChallengerShare: share, pValue, mismatch: pValue < MISMATCH_BELOW }
}

/** Of x ≥ 0, with a relative error below 1.2e-7 (Press et al., "Numerical recipes", erfcc). */
function erfc(x: number): number {
  const t = 1 / (1 + x / 2)
  const polynomial = ERFC.reduceRight((sum, coefficient) => sum * t + coefficient)
  return t * Math.exp(-x * x + polynomial)
}

const ERFC = [
  -1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
  -0.82215223, 0.17087277,
]
