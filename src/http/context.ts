/**
 * What the routes are given, and what a file of routes looks like.
 */
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox'
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify'
import type { AccessControl, AccessScope, Caller } from '../access/index.ts'
import type { Arms, Comparison } from '../experiments/index.ts'
import type { Refusals, RequestCounts } from '../limits/index.ts'
import type { FirstAnswers } from '../idempotency/index.ts'
import type { Metrics } from '../monitor/index.ts'
import type { PredictionLog, PredictionRecord } from '../prediction-log/index.ts'
import type { FollowerStatus, Rollout, Serving, Shadow, TrafficControl, Variant } from '../rollout/index.ts'
import type { Intakes } from './intake.ts'
import type { Lifecycle } from './lifecycle.ts'

export interface AppContext {
  readonly access: AccessControl
  readonly rollout: Pick<Rollout, 'current'> & Partial<Pick<Rollout, 'watch'>>
  readonly models: WatchedModels
  readonly shadow: Pick<Shadow<PredictionRecord>, 'offer' | 'miss'>
  readonly predictionLog: PredictionLog
  /** Not in this thread; takes the arrays with it. */
  readonly compare: (arms: Arms) => Promise<Comparison>
  readonly firstAnswers: Pick<FirstAnswers, 'settle'>
  /** Whether the service has been told to stop. */
  readonly lifecycle: Pick<Lifecycle, 'state'>
  readonly now: () => Date
  readonly metrics: Omit<Metrics, 'figures'>
  /** Begins a span of that name; what it returns ends it. Absent: there are no traces. */
  readonly startSpan?: (name: string) => (error?: unknown) => void
  readonly requestCounts: RequestCounts
  readonly refusals: Pick<Refusals, 'limit' | 'shed'>
  /** A UUIDv7 of that time. */
  readonly newPredictionId: (time: Date) => string
  /** Most users or outcomes in one request. */
  readonly batchMaxUsers: number
  /** Most users in one batch that is to be explained. */
  readonly explainMaxUsers: number
  /** Most event streams of one caller. */
  readonly liveStreamsPerCaller: number
  /** Largest body of a request with an Idempotency-Key. */
  readonly idempotencyMaxBytes: number
  readonly streams: StreamLimits
}

export interface StreamLimits {
  /** Longest line. */
  readonly lineBytes: number
  /** A client that neither sends nor takes anything for so long is gone. */
  readonly idleMs: number
  /** What may wait for the database while a stream goes on: the rest of the spool is for requests that cannot wait. */
  readonly spoolBytes: number
}

export interface WatchedModels {
  /** How far what should serve does serve; null: nothing is followed there. */
  followers(): Readonly<Record<Variant, FollowerStatus | null>>
  readonly traffic: Pick<TrafficControl, 'current' | 'set' | 'reset'>
}

/** What a caller may do. `open`: anyone may; `metrics`: it has a switch of its own. */
export type Scope = AccessScope | 'metrics' | 'open'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs for this route. */
    scope?: Scope
    /** Whether the route also takes installs as a stream. */
    streams?: boolean
  }
  interface FastifyInstance {
    /** By which installs are read. */
    intakes: Intakes
  }
  interface FastifyRequest {
    /** Null where nobody has been asked who he is. */
    caller: Caller | null
    /** What was predicted for it; null where nothing was. */
    predictions: readonly PredictionRecord[] | null
    /** The code of the error that it was answered with. */
    failure: string | null
    /** As it was sent, where an Idempotency-Key came with it. */
    sentBody: Buffer | null
  }
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export type Routes = (app: App, context: AppContext) => void

/** Names of the facets of the models in service, the champion's first. */
export function facetsInService({ rollout }: AppContext): readonly string[] {
  const { champion, challenger } = rollout.current()?.slots ?? {}
  const facets = [champion, challenger].flatMap((slot) => slot?.bundle.inputs.withRole('facet') ?? [])
  return [...new Set(facets.map(({ name }) => name))]
}

/** @throws 503 where there is no model yet: the registry has not been reached since the first start */
export function servingOf({ rollout }: AppContext): Serving {
  const serving = rollout.current()
  if (serving) return serving
  throw Object.assign(new Error('there is no model to answer with yet'), { code: 'MODEL_UNAVAILABLE' })
}
