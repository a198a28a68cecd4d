/**
 * `profile.json` → a checked Profile: how often each value of a feature, and of the prediction, occurred where the model was trained. What
 * is served is compared with it. Refuses another format, edges that do not rise, and counts that do not fit them.
 */
import { Keys } from './keys.ts'

export interface Profile {
  /** In the model's order. */
  readonly features: readonly NamedHistogram[]
  readonly predictions: ReferenceHistogram
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
  }
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
