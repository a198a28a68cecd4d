/**
 * What Prometheus asks for: the process, the models in service, and the prediction log. Figures are read when they are asked for; a request pays nothing.
 */
import { type Aggregator, collectDefaultMetrics, Counter, Gauge, type Metric, Registry } from 'prom-client'
import type { Figures } from './merging.ts'

/** What is read of the prediction log. */
export interface WatchedLog {
  status(): {
    readonly state: string
    readonly spooled: number
    readonly shipped: number
    readonly dropped: number
    readonly quarantined: number
    readonly spool: { readonly bytes: number; readonly segments: number; readonly oldestMs: number | null }
  }
}

/** What is read of the rollout. */
export interface WatchedRollout {
  fallbacks(): number
  current(): {
    readonly slots: Readonly<
      Record<
        string,
        {
          readonly bundle: { readonly manifest: { readonly name: string; readonly version: string } }
          readonly since: Date
        } | null
      >
    >
  } | null
}

/** What is read of how models come into service. */
export interface WatchedModels {
  followers(): Readonly<
    Record<
      string,
      { readonly state: string; readonly reason: string | null; readonly refusals: number } | null
    >
  >
  readonly traffic: { current(): { readonly challengerShare: number; readonly shadow: boolean } }
}

/** What is read of the shadow. */
export interface WatchedShadow {
  counts(): { readonly scored: number; readonly failed: number; readonly skipped: number }
}

/** What is read of the answers that are remembered under their Idempotency-Key. */
export interface WatchedAnswers {
  counts(): { readonly replays: number; readonly reused: number; readonly unguarded: number }
}

export interface Watched {
  readonly log: WatchedLog
  readonly rollout: WatchedRollout
  readonly models: WatchedModels
  readonly shadow: WatchedShadow
  readonly firstAnswers: WatchedAnswers
  readonly now: () => Date
}

export interface Metrics {
  readonly contentType: string
  /** In Prometheus's text format. */
  render(): Promise<string>
  /** To be merged with those of other processes. */
  figures(): Promise<Figures>
}

/** Gauges of prom-client that are named as counters; `promtool` refuses that. Their namesakes without `_total` say more. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

const STATES = ['connecting', 'shipping', 'backing-off', 'draining', 'closed', 'off']

export function createMetrics({ log, rollout, models, shadow, firstAnswers, now }: Watched): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of MISNAMED) registry.removeSingleMetric(name)
  const metrics = [
    ...logMetrics(log, now),
    ...modelMetrics(rollout),
    fallbackMetric(rollout),
    ...followerMetrics(models),
    shadowMetric(shadow),
    ...answerMetrics(firstAnswers),
  ]
  for (const metric of metrics) registry.registerMetric(metric)
  return {
    contentType: registry.contentType,
    render: () => registry.metrics(),
    figures: () => registry.getMetricsAsJSON(),
  }
}

function logMetrics(log: WatchedLog, now: () => Date): Metric[] {
  const state = new Gauge({
    name: 'day7_log_state',
    help: 'State of the prediction log: 1 for the one that it is in.',
    labelNames: ['state'],
    aggregator: 'max',
    registers: [],
    collect() {
      const current = log.status().state
      for (const name of STATES) this.set({ state: name }, name === current ? 1 : 0)
    },
  })
  const gauge = (name: string, help: string, aggregator: Aggregator, read: () => number): Metric =>
    new Gauge({
      name,
      help,
      aggregator,
      registers: [],
      collect() {
        this.set(read())
      },
    })
  const counter = (figure: 'spooled' | 'shipped' | 'dropped' | 'quarantined', help: string): Metric =>
    new Counter({
      name: `day7_log_${figure}_total`,
      help,
      registers: [],
      collect() {
        this.reset()
        this.inc(log.status()[figure])
      },
    })
  const ageS = (): number => {
    const { oldestMs } = log.status().spool
    return oldestMs === null ? 0 : Math.max(0, (now().getTime() - oldestMs) / 1000)
  }
  return [
    state,
    gauge(
      'day7_log_spool_bytes',
      'Size of the predictions that are not in the database yet.',
      'sum',
      () => log.status().spool.bytes,
    ),
    gauge('day7_log_spool_segments', 'Files that they lie in.', 'sum', () => log.status().spool.segments),
    gauge(
      'day7_log_oldest_record_age_seconds',
      'Age of the oldest of them; 0 if there is none.',
      'max',
      ageS,
    ),
    counter('spooled', 'Predictions that are safe in the spool.'),
    counter('shipped', 'Predictions that the database took.'),
    counter('dropped', 'Predictions that were answered, but could not be kept.'),
    counter('quarantined', 'Parts of the spool that were no records, and records that the database refused.'),
  ]
}

function modelMetrics(rollout: WatchedRollout): Metric[] {
  const labelNames = ['variant', 'model', 'version']
  const perSlot = (
    name: string,
    help: string,
    aggregator: Aggregator,
    read: (since: Date) => number,
  ): Metric =>
    new Gauge({
      name,
      help,
      labelNames,
      aggregator,
      registers: [],
      collect() {
        this.reset()
        for (const [variant, slot] of Object.entries(rollout.current()?.slots ?? {})) {
          if (!slot) continue
          const { name: model, version } = slot.bundle.manifest
          this.set({ variant, model, version }, read(slot.since))
        }
      },
    })
  return [
    perSlot('day7_model_info', 'The models in service: 1 for each.', 'max', () => 1),
    perSlot(
      'day7_model_serving_since_seconds',
      'When each came into service, in seconds since 1970.',
      'min',
      (since) => since.getTime() / 1000,
    ),
  ]
}

const FOLLOWER_STATES = ['looking', 'following', 'fetching', 'refused', 'unreachable', 'stopped']

function followerMetrics({ followers, traffic }: WatchedModels): Metric[] {
  const followed = () =>
    Object.entries(followers()).flatMap(([variant, status]) => (status ? [{ variant, ...status }] : []))
  return [
    new Gauge({
      name: 'day7_rollout_state',
      help: 'State of what brings models into service: 1 for the one that it is in.',
      labelNames: ['variant', 'state'],
      aggregator: 'max',
      registers: [],
      collect() {
        for (const { variant, state } of followed())
          for (const name of FOLLOWER_STATES) this.set({ variant, state: name }, name === state ? 1 : 0)
      },
    }),
    new Gauge({
      name: 'day7_rollout_model_missing',
      help: 'Whether a model that should serve does not.',
      labelNames: ['variant'],
      aggregator: 'max',
      registers: [],
      collect() {
        for (const { variant, state, reason } of followed())
          this.set({ variant }, reason === null && state !== 'fetching' ? 0 : 1)
      },
    }),
    new Counter({
      name: 'day7_rollout_refusals_total',
      help: 'Models that were refused: not what their hashes say, or not equal to their golden predictions.',
      labelNames: ['variant'],
      registers: [],
      collect() {
        this.reset()
        for (const { variant, refusals } of followed()) this.inc({ variant }, refusals)
      },
    }),
    new Gauge({
      name: 'day7_rollout_challenger_share',
      help: 'Share of the users that the challenger answers while there is one, 0 to 1.',
      aggregator: 'max',
      registers: [],
      collect() {
        this.set(traffic.current().challengerShare)
      },
    }),
  ]
}

function fallbackMetric(rollout: WatchedRollout): Metric {
  return new Counter({
    name: 'day7_rollout_fallbacks_total',
    help: 'Predictions that the champion made because the challenger had no finite answer.',
    registers: [],
    collect() {
      this.reset()
      this.inc(rollout.fallbacks())
    },
  })
}

function shadowMetric(shadow: WatchedShadow): Metric {
  return new Counter({
    name: 'day7_shadow_predictions_total',
    help: 'What the challenger did with predictions that the champion answered.',
    labelNames: ['result'],
    registers: [],
    collect() {
      this.reset()
      for (const [result, count] of Object.entries(shadow.counts()))
        if (typeof count === 'number') this.inc({ result }, count)
    },
  })
}

function answerMetrics(answers: WatchedAnswers): Metric[] {
  const counter = (name: string, help: string, read: () => number): Metric =>
    new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset()
        this.inc(read())
      },
    })
  return [
    counter(
      'day7_idempotent_replays_total',
      'Requests that got the answer that was given before under their Idempotency-Key.',
      () => answers.counts().replays,
    ),
    counter(
      'day7_idempotency_keys_reused_total',
      'Requests that were refused because their Idempotency-Key was used with another one.',
      () => answers.counts().reused,
    ),
    counter(
      'day7_idempotency_unguarded_total',
      'Requests whose Idempotency-Key could not be remembered or looked for.',
      () => answers.counts().unguarded,
    ),
  ]
}
