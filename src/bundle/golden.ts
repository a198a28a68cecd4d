/**
 * The golden predictions: `golden.ndjson` → the number of installs reproduced, or the first difference.
 *
 * Python wrote them with its own feature plan and with LightGBM itself. Features and raw scores must be the same doubles;
 * outputs may differ by one unit in the last place, since `Math.exp` and the C library's exp do.
 */
import type { Ensemble } from '../ensemble/index.ts'
import type { FeaturePlan, Install } from '../features/index.ts'

interface Golden {
  readonly install: Install
  readonly features: readonly (number | null)[]
  readonly raw_score: number
  readonly output: number
}

/** @throws Error that names the line, the column and both numbers of the first difference */
export function checkGolden(ndjson: string, plan: FeaturePlan, ensemble: Ensemble): number {
  const lines = ndjson.split('\n').filter((line) => line !== '')
  if (lines.length === 0) throw new Error('expected at least one golden prediction, got none')
  const row = new Float64Array(plan.features.length)
  lines.forEach((line, at) => {
    const golden = JSON.parse(line) as Golden
    const differs = (what: string, expected: number, actual: number): Error =>
      new Error(`line ${at + 1}: ${what} differs: Python has ${expected}, this evaluator ${actual}`)

    const offset = plan.encode(golden.install, row)
    if (golden.features.length !== row.length)
      throw new Error(`line ${at + 1}: expected ${row.length} features, got ${golden.features.length}`)
    row.forEach((actual, column) => {
      const expected = golden.features[column] ?? NaN
      if (!Object.is(expected, actual)) throw differs(`feature ${plan.features[column]}`, expected, actual)
    })
    const rawScore = (ensemble.predictRaw(row) as number) + offset
    if (rawScore !== golden.raw_score) throw differs('raw score', golden.raw_score, rawScore)
    const output = ensemble.outputOf(rawScore)
    if (!(ulpsBetween(output, golden.output) <= 1)) throw differs('output', golden.output, output)
  })
  return lines.length
}

/** How many doubles lie between two; NaN if either is NaN. */
export function ulpsBetween(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return NaN
  const difference = place(a) - place(b)
  return Number(difference < 0n ? -difference : difference)
}

/** The double's place in the order of all doubles. */
function place(value: number): bigint {
  const bits = new BigInt64Array(Float64Array.of(value).buffer)[0]!
  return bits < 0n ? -(bits & 0x7fff_ffff_ffff_ffffn) : bits
}
