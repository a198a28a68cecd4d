/**
 * What predictions are counted as: how many, how fast and how much revenue by model, revenue by category, values that the model
 * does not know, and drift. Costs a prediction a
 * fraction of a microsecond: figures are plain numbers until somebody asks.
 */
import type { InputSchema, Row } from '../inputs/index.ts'
import { Buckets, type Total } from './buckets.ts'
import { DriftWindow, type Drift, type ReferenceProfile, type UnknownKind } from './drift.ts'
import { counter, gauge, histogram, type Metric, type Sample, summary } from './metric.ts'
import { type KnownCategories, RevenueFigures } from './revenue.ts'
import { Sampler } from './sampler.ts'
import { type Tally, UnknownFigures } from './unknown.ts'

/** What is read of a bundle. */
export interface WatchedBundle {
  readonly manifest: { readonly name: string; readonly version: string }
  readonly inputs: InputSchema
  readonly profile: ReferenceProfile
  readonly categories: ReadonlyMap<string, KnownCategories>
  readonly unknownValues: {
    readonly kinds: readonly UnknownKind[]
    note(row: Row, found: (kind: number) => void): void
  }
  encode(row: Row, features: Float64Array): void
}

/** A prediction that was answered. */
export interface Answered {
  readonly answer: {
    readonly bundle: WatchedBundle
    /** As the training data's were: not rounded, which would make many of them 0 where revenue is small. */
    readonly prediction: { readonly revenue: number }
  }
  readonly record: {
    readonly inputs: InputSchema
    readonly row: Row
    readonly predictedRevenue: number
    readonly inferenceTimeUs: number
    readonly variant: string
  }
}

export interface PredictionFiguresOptions {
  /** The bundles in service. */
  readonly inService: () => readonly { readonly variant: string; readonly bundle: WatchedBundle }[]
  readonly driftWindowMs: number
  /** In milliseconds; never goes back. */
  readonly clock: () => number
  readonly random: () => number
}

/** Features and trees take microseconds, those of several ensembles a hundred of them. */
const INFERENCE_BOUNDS_S = [
  0.000_005, 0.000_01, 0.000_02, 0.000_05, 0.000_1, 0.000_2, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.1,
]
/** Of predictions, for drift; each costs a few microseconds. */
const DRIFT_SAMPLES_PER_SECOND = 100
/** Models whose figures are kept; those that left service longest ago are given up. */
const MAX_MODELS = 20

export class PredictionFigures {
  readonly #options: PredictionFiguresOptions
  readonly #models = new Map<string, ModelFigures>()
  readonly #revenue = new RevenueFigures()
  readonly #unknown = new UnknownFigures()
  /** By bundle, for as long as somebody has it. */
  readonly #watches = new WeakMap<WatchedBundle, Watch>()
  readonly #sampler: Sampler

  constructor(options: PredictionFiguresOptions) {
    this.#options = options
    this.#sampler = new Sampler(DRIFT_SAMPLES_PER_SECOND, options.random)
  }

  note(answered: readonly Answered[]): void {
    for (const { answer, record } of answered) {
      const { models, countUnknown } = this.#watchOf(answer.bundle)
      const model = models.get(record.variant) ?? this.#modelOf(answer.bundle, record.variant)
      model.inference.observe(record.inferenceTimeUs / 1e6)
      model.revenue.sum += record.predictedRevenue
      model.revenue.count++
      this.#revenue.note(record.inputs, record.row, record.predictedRevenue)
      answer.bundle.unknownValues.note(record.row, countUnknown)
      if (this.#sampler.pick()) this.#sample(answer, record.row)
    }
  }

  /** Of the predictions of this bundle in the last `driftWindowMs`. */
  driftOf(bundle: WatchedBundle): Drift {
    return this.#watchOf(bundle).window.drift(this.#options.clock())
  }

  metrics(): Metric[] {
    const perModel = () =>
      this.#all().map(({ variant, version, ...figures }) => ({ labels: { variant, version }, ...figures }))
    return [
      counter('day7_predictions_total', 'Predictions that were answered.', () =>
        perModel().map(({ labels, revenue }) => ({ labels, value: revenue.count })),
      ),
      histogram('day7_inference_seconds', 'Predictions, by how long features and trees took.', () =>
        perModel().map(({ labels, inference }) => ({ labels, buckets: inference })),
      ),
      summary(
        'day7_predicted_revenue',
        'Predicted revenue within the horizon, in the unit of the training data.',
        () => perModel().map(({ labels, revenue }) => ({ labels, total: revenue })),
      ),
      ...this.#revenue.metrics(),
      this.#unknown.metric(),
      gauge(
        'day7_feature_drift_psi',
        'Population stability index of a feature of recent installs, against those that the model learnt from.',
        'average',
        () =>
          this.#drifting().flatMap(({ variant, drift }) =>
            [...drift.features].map(([feature, value]) => ({ labels: { variant, feature }, value })),
          ),
      ),
      gauge(
        'day7_prediction_drift_psi',
        'Population stability index of recent predictions, against those for the installs that the model learnt from.',
        'average',
        () => this.#drifting().flatMap(({ variant, drift }) => present(variant, drift.predictions)),
      ),
      gauge(
        'day7_drift_window_predictions',
        'Recent predictions that the drift indexes are made of.',
        'sum',
        () => this.#drifting().map(({ variant, drift }) => ({ labels: { variant }, value: drift.count })),
      ),
    ]
  }

  #sample({ bundle, prediction }: Answered['answer'], row: Row): void {
    const nowMs = this.#options.clock()
    this.#sampler.next(nowMs)
    const { window, features } = this.#watchOf(bundle)
    bundle.encode(row, features)
    const unknown: number[] = []
    bundle.unknownValues.note(row, (kind) => unknown.push(kind))
    window.add(features, prediction.revenue, nowMs, unknown)
  }

  #drifting(): { readonly variant: string; readonly drift: Drift }[] {
    return this.#options.inService().map(({ variant, bundle }) => ({ variant, drift: this.driftOf(bundle) }))
  }

  /** Those in service are there before their first prediction, so that rates begin at 0. */
  #all(): ModelFigures[] {
    for (const { variant, bundle } of this.#options.inService()) this.#modelOf(bundle, variant)
    return [...this.#models.values()]
  }

  #modelOf(bundle: WatchedBundle, variant: string): ModelFigures {
    const { models } = this.#watchOf(bundle)
    let model = models.get(variant)
    if (!model) models.set(variant, (model = this.#figuresOf(variant, bundle.manifest.version)))
    return model
  }

  /** A model that comes again as another bundle counts on. */
  #figuresOf(variant: string, version: string): ModelFigures {
    const key = keyOf(variant, version)
    const model = this.#models.get(key) ?? {
      variant,
      version,
      inference: new Buckets(INFERENCE_BOUNDS_S),
      revenue: { sum: 0, count: 0 },
    }
    this.#models.delete(key)
    this.#models.set(key, model)
    if (this.#models.size > MAX_MODELS) this.#forgetOne()
    return model
  }

  #forgetOne(): void {
    const serving = new Set(
      this.#options.inService().map(({ variant, bundle }) => keyOf(variant, bundle.manifest.version)),
    )
    const key = [...this.#models.keys()].find((key) => !serving.has(key))
    if (key !== undefined) this.#models.delete(key)
  }

  #watchOf(bundle: WatchedBundle): Watch {
    let watch = this.#watches.get(bundle)
    if (!watch) {
      const { inputs, profile, categories, unknownValues } = bundle
      this.#revenue.know(inputs, categories)
      watch = {
        models: new Map(),
        window: new DriftWindow(profile, this.#options.driftWindowMs, unknownValues.kinds),
        countUnknown: this.#unknown.tallyOf(unknownValues.kinds),
        features: new Float64Array(profile.features.length),
      }
      this.#watches.set(bundle, watch)
    }
    return watch
  }
}

interface ModelFigures {
  readonly variant: string
  readonly version: string
  readonly inference: Buckets
  readonly revenue: Total
}

interface Watch {
  /** By variant. */
  readonly models: Map<string, ModelFigures>
  readonly window: DriftWindow
  readonly countUnknown: Tally
  readonly features: Float64Array
}

const keyOf = (variant: string, version: string): string => `${variant} ${version}`

const present = (variant: string, value: number): Sample[] =>
  Number.isNaN(value) ? [] : [{ labels: { variant }, value }]
