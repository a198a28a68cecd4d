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
import type { PredictionLog } from '../prediction-log/index.ts'
import type { Rollout } from '../rollout/index.ts'

export interface AppContext {
  readonly rollout: Rollout
  readonly predictionLog: PredictionLog
  readonly now: () => Date
  readonly newPredictionId: () => string
  /** Most users in one batch. */
  readonly batchMaxUsers: number
}

export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>

export type Routes = (app: App, context: AppContext) => void
