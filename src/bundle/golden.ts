/**
 * The golden predictions: `golden.ndjson` → the number of installs reproduced, or the first difference.
 *
 * Python wrote them with its own feature plan and with LightGBM itself. Features and raw scores must be the same doubles;
 * outputs may differ by one unit in the last place, since `Math.exp` and the C library's exp do. Where ensembles are combined,
 * Python's own outputs must give its combination to the last bit.
 */
import type { FeaturePlan } from '../features/index.ts'
import { Fault, type InputSchema, type Row, rowFromObject, type Value } from '../inputs/index.ts'
import { combined } from './combination.ts'
import type { Part, Parts } from './parts.ts'

interface Score {
  readonly raw_score: number
  readonly output: number
}

interface Golden extends Score {
  /** As a request has it. */
  readonly install: unknown
  readonly features: readonly (number | null)[]
  /** Of a bundle of format 2 or 3. */
  readonly ensembles?: readonly Score[]
  readonly interval?: { readonly p10: Score; readonly p90: Score }
}

const OUTPUT_ULPS = 1
/**
 * A chance is 1 / (1 + exp(−x)). Where exp differs by one unit in the last place of a number just above a power of two, so does the
 * chance by two units, since it lies just below one: there the doubles are twice as dense.
 */
const CHANCE_ULPS = 2

/** What golden predictions are checked with. */
export interface GoldenModel {
  readonly schema: InputSchema
  /** Installs are taken as they are: bundles of earlier formats have −0 among their counts, which a request's reader makes 0. */
  readonly isUnread: boolean
  readonly plan: FeaturePlan
  readonly parts: Parts
  /** The lines have the score of one ensemble, and no more. */
  readonly isPlain: boolean
}

/** @throws Error that names the line, the column and both numbers of the first difference */
export function checkGolden(ndjson: string, model: GoldenModel): number {
  const { plan, parts, isPlain } = model
  const lines = linesOf(ndjson)
  if (lines.length === 0) throw new Error('expected at least one golden prediction, got none')
  const features = new Float64Array(plan.features.length)
  lines.forEach((line, at) => {
    const golden = JSON.parse(line) as Golden
    const where = `line ${at + 1}`
    const row = rowOf(golden, model, where)
    const offset = plan.encode(row, features)
    if (golden.features.length !== features.length)
      throw new Error(`${where}: expected ${features.length} features, got ${golden.features.length}`)
    features.forEach((actual, column) => {
      const expected = golden.features[column] ?? NaN
      if (!Object.is(expected, actual))
        throw difference(`${where}: feature ${plan.features[column]}`, expected, actual)
    })
    const pair = parts.pairOf && parts.pairOf(row)
    const rawScoreOf = (part: Part): number => part.rawScore(features, offset, pair)
    if (isPlain) checkScore(where, golden, parts.ensembles[0]!, rawScoreOf)
    else checkCombined(where, golden, parts, rawScoreOf)
  })
  return lines.length
}

/** At most `count` of the rows, from all parts of the file. */
export function goldenRows(ndjson: string, model: GoldenModel, count: number): Row[] {
  const lines = linesOf(ndjson)
  const step = Math.max(1, Math.floor(lines.length / count))
  const some = lines.filter((_, at) => at % step === 0).slice(0, count)
  return some.map((line, at) => rowOf(JSON.parse(line) as Golden, model, `line ${at * step + 1}`))
}

const linesOf = (ndjson: string): string[] => ndjson.split('\n').filter((line) => line !== '')

function rowOf({ install }: Golden, { schema, isUnread }: GoldenModel, where: string): Row {
  if (isUnread) return schema.fields.map(({ name }) => (install as Record<string, Value>)[name] ?? null)
  const row = rowFromObject(schema, install as Readonly<Record<string, unknown>>, { text: 'strict' })
  if (row instanceof Fault) throw new Error(`${where}: install: ${row.message}`)
  return row
}

/** The raw score of a part, for one row. */
type RawScoreOf = (part: Part) => number

function checkCombined(where: string, golden: Golden, parts: Parts, rawScoreOf: RawScoreOf): void {
  const { combine, ensembles, interval } = parts
  const scores = golden.ensembles ?? []
  if (scores.length !== ensembles.length)
    throw new Error(`${where}: expected scores of ${ensembles.length} ensembles, got ${scores.length}`)
  ensembles.forEach((part, at) => checkScore(`${where}: ${part.file}`, scores[at]!, part, rawScoreOf))
  const output = combined(
    combine,
    Float64Array.from(scores, (score) => score.output),
  )
  const rawScore = combine === 'single' ? scores[0]!.raw_score : output
  if (rawScore !== golden.raw_score)
    throw difference(`${where}: combined raw score`, golden.raw_score, rawScore)
  if (output !== golden.output) throw difference(`${where}: combined output`, golden.output, output)
  if ((golden.interval === undefined) !== (interval === null))
    throw new Error(
      `${where}: expected ${interval ? 'scores of p10 and p90' : 'no interval'}, got ${JSON.stringify(golden.interval)}`,
    )
  if (!interval || !golden.interval) return
  for (const name of ['p10', 'p90'] as const)
    checkScore(`${where}: ${interval[name].file}`, golden.interval[name], interval[name], rawScoreOf)
}

function checkScore(where: string, golden: Score, part: Part, rawScoreOf: RawScoreOf): void {
  const rawScore = rawScoreOf(part)
  if (rawScore !== golden.raw_score) throw difference(`${where}: raw score`, golden.raw_score, rawScore)
  const output = part.outputOf(rawScore)
  const most = part.objective === 'binary' ? CHANCE_ULPS : OUTPUT_ULPS
  if (!(ulpsBetween(output, golden.output) <= most))
    throw difference(`${where}: output`, golden.output, output)
}

function difference(what: string, expected: number, actual: number): Error {
  return new Error(`${what} differs: Python has ${expected}, this evaluator ${actual}`)
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
