/**
 * `profile.json` → a checked Profile: how often each value of a feature, and of the prediction, occurred where the model was trained, and
 * the range of each number and time field there. What is served is compared with it. Refuses another format, edges that do not rise, counts
 * that do not fit them, and ranges that end before they begin.
 */
import type { FieldRange } from '../features/index.ts'
import { Keys } from './keys.ts'

export interface Profile {
  /** In the model's order. */
  readonly features: readonly NamedHistogram[]
  readonly predictions: ReferenceHistogram
  /** Of the input fields, by name: of numbers and times that had a value in training. Empty for a bundle from before ranges were kept. */
  readonly ranges: ReadonlyMap<string, FieldRange>
}

/** With edges e₁ < … < eₙ there are n + 1 counts: of values ≤ e₁, then in (e₁, e₂], …, then > eₙ. */
export interface ReferenceHistogram {
  readonly edges: readonly number[]
  readonly counts: readonly number[]
  /** Rows without a value. */
  readonly missing: number
}

export interface NamedHistogram extends ReferenceHistogram {
  readonly name: string
}

const FORMAT = 'day7-profile/1'

/**
 * @param document the parsed `profile.json`
 * @throws TypeError that names the key, what was expected and what came
 */
export function readProfile(document: unknown, features: readonly string[]): Profile {
  const profile = new Keys(document, '')
  const format = profile.text('format')
  if (format !== FORMAT) throw new TypeError(`expected format "${FORMAT}", got "${format}"`)
  const histograms = new Keys(profile.object('features'), 'features.')
  return {
    features: features.map((name) => ({
      name,
      ...readHistogram(histograms.object(name), `features.${name}.`),
    })),
    predictions: readHistogram(profile.object('predictions'), 'predictions.'),
    ranges: readRanges(profile.value('fields') === undefined ? {} : profile.object('fields')),
  }
}

function readRanges(fields: Record<string, unknown>): ReadonlyMap<string, FieldRange> {
  const ranges = new Map<string, FieldRange>()
  for (const [name, document] of Object.entries(fields)) {
    const range = new Keys(document, `fields.${name}.`)
    const minimum = range.number('minimum')
    const maximum = range.number('maximum')
    // JSON has 1e999, which is Infinity.
    if (!Number.isFinite(minimum) || !Number.isFinite(maximum) || minimum > maximum)
      throw new TypeError(
        `expected fields.${name} to have a finite minimum that is not above its maximum, got ${minimum} and ${maximum}`,
      )
    ranges.set(name, { minimum, maximum })
  }
  return ranges
}

function readHistogram(document: unknown, path: string): ReferenceHistogram {
  const histogram = new Keys(document, path)
  const edges = histogram.list('edges')
  const counts = histogram.list('counts')
  const missing = histogram.number('missing')
  if (
    !edges.every(
      (edge, at) => Number.isFinite(edge) && (at === 0 || (edge as number) > (edges[at - 1] as number)),
    )
  )
    throw new TypeError(`expected ${path}edges to be rising numbers, got ${JSON.stringify(edges)}`)
  if (counts.length !== edges.length + 1 || ![...counts, missing].every(isCount))
    throw new TypeError(
      `expected ${path}counts to be ${edges.length + 1} counts, and missing one, got ${JSON.stringify(counts)} and ${missing}`,
    )
  return { edges: edges as number[], counts: counts as number[], missing }
}

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) >= 0
