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
import type { Arms, Comparison } from '../experiments/index.ts'
import type { Metrics } from '../monitor/index.ts'
import type { PredictionLog, PredictionRecord } from '../prediction-log/index.ts'
import type { FollowerStatus, Rollout, Serving, Shadow, TrafficControl, Variant } from '../rollout/index.ts'

export interface AppContext {
  readonly rollout: Pick<Rollout, 'current'>
  readonly models: WatchedModels
  readonly shadow: Pick<Shadow<PredictionRecord>, 'offer' | 'miss'>
  readonly predictionLog: PredictionLog
  /** Not in this thread; takes the arrays with it. */
  readonly compare: (arms: Arms) => Promise<Comparison>
  readonly now: () => Date
  readonly metrics: Metrics
  /** A UUIDv7 of that time. */
  readonly newPredictionId: (time: Date) => string
  /** Most users or outcomes in one request. */
  readonly batchMaxUsers: number
  /** Most users in one batch that is to be explained. */
  readonly explainMaxUsers: number
}

export interface WatchedModels {
  /** How far what should serve does serve; null: nothing is followed there. */
  followers(): Readonly<Record<Variant, FollowerStatus | null>>
  readonly traffic: Pick<TrafficControl, 'current' | 'set' | 'reset'>
}

/** What a caller may do. `open`: anyone may; `metrics`: it has a switch of its own. */
export type Scope = 'predict' | 'read' | 'outcomes' | 'admin' | 'metrics' | 'open'

/** Who asks: the owner of a key or of a token. */
export interface Caller {
  /** For people; not a secret. */
  readonly name: string
  readonly scopes: ReadonlySet<string>
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a caller needs for this route. */
    scope?: Scope
  }
  interface FastifyRequest {
    /** Null where nobody has been asked who he is. */
    caller: Caller | null
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

/** @throws 503 where there is no model yet: the registry has not been reached since the first start */
export function servingOf({ rollout }: AppContext): Serving {
  const serving = rollout.current()
  if (serving) return serving
  throw Object.assign(new Error('there is no model to answer with yet'), { code: 'MODEL_UNAVAILABLE' })
}
