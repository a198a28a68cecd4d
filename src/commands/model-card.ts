/**
 * A model card → text for a terminal.
 */
import type { FeatureCard, ModelCard } from './inspect.ts'
import { number } from './progress.ts'
import { tableOf } from './table.ts'

export function cardAsText(card: ModelCard): string {
  const blocks = [
    `${card.name} ${card.version}`,
    tableOf(factsOf(card)),
    tableOf([
      ['ensemble', 'role', 'objective', 'offset', 'trees', 'leaves'],
      ...card.ensembles.map(({ file, role, objective, offset, trees, leaves }) => [
        file,
        role,
        objective,
        offset ? 'added' : '–',
        countOr(trees),
        countOr(leaves),
      ]),
    ]),
    metricsOf(card),
    ...(card.features ? [featuresOf(card.features)] : []),
    tableOf([
      ['file', 'bytes', 'sha256'],
      ...card.files.map(({ file, bytes, sha256 }) => [
        file,
        bytes === null ? 'missing' : number(bytes),
        sha256,
      ]),
    ]),
  ]
  return `${blocks.filter((block) => block !== '').join('\n\n')}\n`
}

function factsOf(card: ModelCard): string[][] {
  const { training, golden_predictions: golden } = card
  return [
    [
      'state',
      card.problem === null
        ? `verified: every hash is right, ${golden} of ${golden} golden predictions equal`
        : `BROKEN: ${card.problem}`,
    ],
    ['folder', card.directory],
    ['created', card.created],
    ['predicts', `the revenue of the first ${card.horizon_days} days after the install`],
    [
      'objective',
      card.offset === null ? card.objective : `${card.objective}, with the offset ${card.offset}`,
    ],
    ['combination', COMBINATIONS[card.combine] ?? card.combine],
    [
      'trained on',
      `${number(training.rows)} rows${training.synthetic ? ', SYNTHETIC: its answers mean nothing' : ''}`,
    ],
    ['', training.description],
    ['', `sha256 ${training.data_sha256}`],
    ...(training.flagged_groups > 0
      ? [['flagged', `${training.flagged_groups} groups whose revenue looks as if it were in another unit`]]
      : []),
    ['LightGBM', card.lightgbm_version],
  ].filter(([, value]) => value !== '')
}

const COMBINATIONS: Readonly<Record<string, string>> = {
  single: 'one ensemble',
  mean: 'the mean of several ensembles',
  hurdle: 'the chance to pay, times what a payer brings',
}

/** Of the held-out rows. */
function metricsOf({ metrics }: ModelCard): string {
  const { holdout } = metrics
  if (typeof holdout !== 'object' || holdout === null) return ''
  const rows = Object.entries(holdout).filter(([, value]) => typeof value === 'number')
  return tableOf([
    ['metric', 'held-out rows'],
    ...rows.map(([name, value]) => [name, Number.isInteger(value) ? number(value) : value.toPrecision(4)]),
  ])
}

function featuresOf(features: readonly FeatureCard[]): string {
  const files = Object.keys(features[0]?.gain ?? {})
  const heads = files.length === 1 ? ['gain'] : files.map((file) => `gain ${file.replace(/\.json$/, '')}`)
  return tableOf([
    ['feature', ...heads, 'made from'],
    ...features.map(({ feature, gain, inputs, categorical }) => [
      categorical ? `${feature} (categories)` : feature,
      ...files.map((file) => `${(gain[file]! * 100).toFixed(1).padStart(5)} %`),
      inputs.join(', '),
    ]),
  ])
}

const countOr = (count: number | null): string => (count === null ? '–' : number(count))
