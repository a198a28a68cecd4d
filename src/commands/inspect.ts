/**
 * `inspect`: a bundle's folder → its model card in the terminal, or as JSON: what it is, what it was made from, how good it was, which features
 * matter. A bundle that is broken is shown as far as its manifest goes, with what is wrong; the exit code is 1 then.
 */
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type BundleParts, BundleError, type Manifest, readManifest, verifyBundle } from '../bundle/index.ts'
import { splitGains } from '../ensemble/index.ts'
import { parseFeaturePlan } from '../features/index.ts'
import { parseInputSchema } from '../inputs/index.ts'
import { cardAsText } from './model-card.ts'
import { argumentsOf, type Option, required } from './usage.ts'

export const INSPECT_OPTIONS: readonly Option[] = [{ name: 'json', about: 'print it as JSON' }]

export interface ModelCard {
  readonly directory: string
  readonly name: string
  readonly version: string
  readonly created: string
  readonly state: 'verified' | 'broken'
  /** What is wrong with it. */
  readonly problem: string | null
  readonly objective: string
  readonly offset: string | null
  readonly combine: string
  readonly horizon_days: number
  readonly training: {
    readonly rows: number
    readonly description: string
    readonly data_sha256: string
    readonly synthetic: boolean
    readonly flagged_groups: number
  }
  readonly metrics: Manifest['metrics']
  readonly lightgbm_version: string
  readonly golden_predictions: number | null
  readonly files: readonly { readonly file: string; readonly bytes: number | null; readonly sha256: string }[]
  readonly ensembles: readonly EnsembleCard[]
  /** Null where they cannot be read. */
  readonly features: readonly FeatureCard[] | null
}

interface EnsembleCard {
  readonly file: string
  readonly role: string
  readonly objective: string
  readonly offset: boolean
  readonly trees: number | null
  readonly leaves: number | null
}

export interface FeatureCard {
  readonly feature: string
  readonly inputs: readonly string[]
  readonly categorical: boolean
  /** Its share of what all splits gained, by ensemble: LightGBM's importance of the type `gain`. */
  readonly gain: Readonly<Record<string, number>>
}

export async function inspect(args: readonly string[]): Promise<number> {
  const { positionals, flags } = argumentsOf('inspect', args, INSPECT_OPTIONS, 1)
  const card = await readCard(required('inspect', positionals[0], 'the folder of a bundle'))
  process.stdout.write(flags.has('json') ? `${JSON.stringify(card, null, 2)}\n` : cardAsText(card))
  return card.state === 'verified' ? 0 : 1
}

async function readCard(directory: string): Promise<ModelCard> {
  try {
    const parts = await verifyBundle(directory)
    return await cardOf(directory, parts.manifest, parts, null)
  } catch (error) {
    if (!(error instanceof BundleError)) throw error
    const manifest = await readFile(join(directory, 'manifest.json'), 'utf8')
      .then((text) => readManifest(JSON.parse(text)))
      .catch(() => null)
    if (!manifest) throw error
    return cardOf(directory, manifest, null, error)
  }
}

async function cardOf(
  directory: string,
  manifest: Manifest,
  parts: BundleParts | null,
  error: BundleError | null,
): Promise<ModelCard> {
  const { name, version, created, objective, offset, prediction, training } = manifest
  const files = [...manifest.files].map(async ([file, sha256]) => {
    const found = await stat(join(directory, file)).catch(() => null)
    return { file, bytes: found?.size ?? null, sha256 }
  })
  return {
    directory,
    name,
    version,
    created,
    state: error ? 'broken' : 'verified',
    problem: error && `${error.file}: ${error.problem}`,
    objective,
    offset,
    combine: prediction.combine,
    horizon_days: manifest.horizonDays,
    training: {
      rows: training.rows,
      description: training.description,
      data_sha256: training.dataSha256,
      synthetic: training.synthetic,
      flagged_groups: training.flagged.length,
    },
    metrics: manifest.metrics,
    lightgbm_version: manifest.lightgbmVersion,
    golden_predictions: parts?.goldenCount ?? null,
    files: await Promise.all(files),
    ensembles: ensemblesOf(manifest, parts),
    features: parts && (await featuresOf(directory, parts)),
  }
}

function ensemblesOf({ prediction }: Manifest, parts: BundleParts | null): EnsembleCard[] {
  const { ensembles, interval } = prediction
  const quantiles = interval
    ? [
        { role: 'p10', ...interval.p10 },
        { role: 'p90', ...interval.p90 },
      ]
    : []
  return [...ensembles, ...quantiles].map(({ role, file, objective, offset }) => {
    const trees = parts?.models.get(file)?.model.trees
    const leaves = trees?.reduce((sum, { leafValue }) => sum + leafValue.length, 0)
    return { file, role, objective, offset, trees: trees?.length ?? null, leaves: leaves ?? null }
  })
}

/** The most important first, over all ensembles. */
async function featuresOf(
  directory: string,
  { manifest, models, inputs: schema, plan }: BundleParts,
): Promise<FeatureCard[]> {
  const { features, categorical } = manifest
  const { inputs } = parseFeaturePlan(plan, parseInputSchema(schema))
  const gains = new Map<string, Float64Array>()
  for (const file of models.keys()) {
    const own = splitGains(JSON.parse(await readFile(join(directory, file), 'utf8')), features.length)
    const total = own.reduce((sum, gain) => sum + gain, 0)
    gains.set(file, total > 0 ? own.map((gain) => gain / total) : own)
  }
  const cards = features.map((feature, at) => ({
    feature,
    inputs: inputs.get(feature)!,
    categorical: categorical.includes(feature),
    gain: Object.fromEntries([...gains].map(([file, own]) => [file, own[at]!])),
  }))
  const sumOf = ({ gain }: FeatureCard): number => Object.values(gain).reduce((sum, own) => sum + own, 0)
  return cards.sort((a, b) => sumOf(b) - sumOf(a))
}
