/**
 * The app on the shipped champion, with a log that keeps its records in a list.
 */
import type { InjectOptions } from 'fastify'
import { pino } from 'pino'
import { withoutAccess } from '../../src/access/index.ts'
import { type Bundle, loadBundle } from '../../src/bundle/index.ts'
import { Pulse } from '../../src/monitor/index.ts'
import { readConfig } from '../../src/config/index.ts'
import { compareAside } from '../../src/experiments/index.ts'
import {
  type App,
  type AppContext,
  type AppOptions,
  createApp,
  type WatchedModels,
} from '../../src/http/index.ts'
import { MemoryCounts, Refusals } from '../../src/limits/index.ts'
import { FirstAnswers, memoryStore } from '../../src/idempotency/index.ts'
import {
  LogUnavailableError,
  type PredictionLog,
  type PredictionLogStatus,
  type PredictionRecord,
  withoutPredictionLog,
} from '../../src/prediction-log/index.ts'
import { type FollowerStatus, Rollout, type Traffic, type TrafficSetting } from '../../src/rollout/index.ts'
import { type EXAMPLE, installOf } from '../example.ts'

export const NOW = new Date('2026-01-02T03:04:05.678Z')

export interface TestApp {
  readonly app: App
  readonly logged: LoggedRecord[]
}

/** A record with its inputs by their names. */
export type LoggedRecord = Omit<PredictionRecord, 'inputs' | 'row'> & { readonly install: typeof EXAMPLE }

const loggedRecord = ({ inputs, row, ...record }: PredictionRecord): LoggedRecord => ({
  ...record,
  install: installOf({ inputs, row }),
})

export async function appWith(
  context: Partial<AppContext> = {},
  bodyLimitBytes = 100_000,
  options: Partial<Omit<AppOptions, 'limits'>> & Partial<AppOptions['limits']> = {},
): Promise<TestApp> {
  const logged: LoggedRecord[] = []
  let ids = 0
  const app = await createApp(
    {
      access: withoutAccess(),
      rollout: context.rollout ?? rolloutOf(await shipped()),
      models: modelsIn(),
      shadow: { offer: () => {}, miss: () => {} },
      compare: compareAside,
      predictionLog: logWith({ append: async (records) => void logged.push(...records.map(loggedRecord)) }),
      metrics: metricsOf({}),
      requestCounts: new MemoryCounts(),
      refusals: new Refusals(),
      firstAnswers: new FirstAnswers(memoryStore({ ttlS: 60, maxBytes: 1_000_000 }), () => {}),
      lifecycle: { state: () => 'serving' },
      now: () => NOW,
      newPredictionId: () => `00000000-0000-7000-8000-${String(ids++).padStart(12, '0')}`,
      batchMaxUsers: 5,
      liveStreamsPerCaller: 3,
      idempotencyMaxBytes: 10_000,
      streams: { lineBytes: 65_536, idleMs: 10_000, spoolBytes: Infinity },
      explainMaxUsers: 3,
      ...context,
    },
    {
      version: '0.0.0',
      bodyLimitBytes,
      limits: { ...readConfig({}), shedEventLoopDelayMs: 0, ...options }, // machines of tests are busy
      logger: pino({ level: 'silent' }),
      ...options,
    },
  )
  return { app, logged }
}

/** Loaded once: to verify it takes longer than most tests. */
let loading: Promise<Bundle> | null = null
const shipped = (): Promise<Bundle> => (loading ??= loadBundle('artifacts/champion'))

export function rolloutOf(
  champion: Bundle,
  challenger: Bundle | null = null,
  traffic: Partial<Traffic> = {},
): Rollout {
  const rollout = new Rollout({
    traffic: { challengerShare: 0, salt: 'day7', shadow: false, ...traffic },
    now: () => NOW,
  })
  rollout.place('champion', champion, 'here')
  if (challenger) rollout.place('challenger', challenger, 'there')
  return rollout
}

/** The champion under another version; `predict` can be another one, too. */
export function bundleLike(bundle: Bundle, version: string, predict = bundle.predict.bind(bundle)): Bundle {
  return Object.assign(Object.create(bundle) as Bundle, {
    manifest: { ...bundle.manifest, version },
    predict,
    encode: bundle.encode.bind(bundle),
  })
}

/** Metrics that count nothing, but for what is given. */
export function metricsOf(part: Partial<AppContext['metrics']>): AppContext['metrics'] {
  return {
    requests: { begin: () => {}, end: () => {}, error: () => {} },
    predictions: {
      note: () => {},
      driftOf: () => ({ count: 0, features: new Map(), predictions: NaN, unknown: [] }),
    },
    driftWindowMs: 3_600_000,
    pulse: new Pulse(),
    contentType: 'text/plain',
    render: async () => '',
    ...part,
  }
}

/** Followers that follow, and a split that is only remembered. */
export function modelsIn(champion: Partial<FollowerStatus> = {}): WatchedModels {
  const following: FollowerStatus = { state: 'following', wanted: 'here', reason: null, refusals: 0 }
  let setting: TrafficSetting = { ...SETTINGS, origin: 'settings', id: 0, since: null }
  return {
    followers: () => ({ champion: { ...following, ...champion }, challenger: null }),
    traffic: {
      current: () => setting,
      set: async (traffic) => (setting = { ...setting, ...traffic, origin: 'admin', since: NOW }),
      reset: async () => (setting = { ...SETTINGS, origin: 'settings', id: 0, since: NOW }),
    },
  }
}

const SETTINGS: Traffic = { challengerShare: 0, salt: 'day7', shadow: false }

/** A log that is switched off, but for what is given. */
export function logWith(part: Partial<PredictionLog>): PredictionLog {
  return { ...withoutPredictionLog(), ...part }
}

/** A log that says this of itself. */
export function logIn(status: Partial<PredictionLogStatus>): PredictionLog {
  const off = withoutPredictionLog()
  return { ...off, status: () => ({ ...off.status(), ...status }) }
}

/** What a log does whose database is away. */
export async function beAway(): Promise<never> {
  const cause = new Error('password authentication failed for user "secret"')
  throw new LogUnavailableError('the prediction log cannot reach its database', { cause })
}

/** The answer of a route whose log is away. */
export const AWAY = {
  status: 503,
  retryAfter: '5',
  body: {
    statusCode: 503,
    code: 'PREDICTION_LOG_UNAVAILABLE',
    error: 'Service Unavailable',
    message: 'the prediction log cannot reach its database',
  },
}

export async function send(app: App, request: InjectOptions | string) {
  const response = await app.inject(request)
  const retryAfter = response.headers['retry-after']
  return {
    status: response.statusCode,
    ...(retryAfter !== undefined && { retryAfter }),
    body: response.json(),
  }
}

/** A call that is held up until it is released. */
export function heldUp() {
  const called = Promise.withResolvers<void>()
  const held = Promise.withResolvers<void>()
  return {
    called: called.promise,
    release: held.resolve,
    hold: () => {
      called.resolve()
      return held.promise
    },
  }
}
