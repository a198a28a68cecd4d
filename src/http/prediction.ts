/**
 * An install → its prediction: the number, the record of it for the log, and what follows once it is answered. All routes that predict
 * go through here, whatever their protocol; they differ in how they take installs and in what they show of the answers.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import type { Interval } from '../bundle/index.ts'
import type { PredictionRecord } from '../prediction-log/index.ts'
import type { Answer, Assignment, Serving } from '../rollout/index.ts'
import type { AppContext } from './context.ts'
import { explain } from './plugins/validation.ts'
import { Install, type InstallBody } from './schemas/install.ts'

export interface Answered {
  readonly answer: Pick<Answer, 'bundle' | 'variant' | 'failed'>
  readonly record: PredictionRecord
  /** Null where the model has none; it is answered, and not logged. */
  readonly interval: Interval | null
}

/** Whether something that came is an install; if not, `errors` says why. */
export type InstallCheck = Pick<ReturnType<FastifyRequest['compileValidationSchema']>, 'errors'> &
  ((input: unknown) => boolean)

export function installCheckOf(request: FastifyRequest): InstallCheck {
  return (request.getValidationFunction(Install) ?? request.compileValidationSchema(Install)) as InstallCheck
}

/** One of many, which fails alone. @param whole what to call it in an error */
export function predictOneOf(
  context: AppContext,
  serving: Serving,
  input: unknown,
  { time, isInstall, log, whole }: OneOfMany,
): Answered | { readonly error: string } {
  if (!isInstall(input)) return { error: explain(isInstall.errors, whole) }
  try {
    return predict(context, serving, input as InstallBody, time)
  } catch (error) {
    log.error({ err: error }, `a ${whole} of many could not be predicted`)
    return { error: `the model has no finite answer for this ${whole}` }
  }
}

interface OneOfMany {
  readonly time: Date
  readonly isInstall: InstallCheck
  readonly log: FastifyBaseLogger
  readonly whole: string
}

/** Resolves when they are safe in the log; only then may they be answered. */
export async function keep(
  context: AppContext,
  serving: Serving,
  answered: readonly Answered[],
): Promise<void> {
  if (answered.length > 0) await context.predictionLog.append(answered.map(({ record }) => record))
  follow(context, serving, answered)
}

export function predict(context: AppContext, serving: Serving, body: InstallBody, time: Date): Answered {
  const { user_id: userId = null, ...install } = body
  const predictionId = context.newPredictionId(time)
  const start = performance.now()
  const answer = serving.predict(userId ?? predictionId, install)
  const { bundle, variant, prediction } = answer
  const inferenceTimeMs = roundTo6(performance.now() - start)
  const record = {
    predictionId,
    time,
    userId,
    install,
    predictedRevenue: roundTo6(prediction.revenue),
    rawScore: prediction.rawScore,
    inferenceTimeUs: inferenceTimeMs * 1000,
    modelName: bundle.manifest.name,
    modelVersion: bundle.manifest.version,
    variant,
  }
  const { interval } = prediction
  return {
    answer,
    record,
    interval: interval && { p10: roundTo6(interval.p10), p90: roundTo6(interval.p90) },
  }
}

/** After the answers: what the challenger failed in its arm is kept, and the rest of the champion's is offered to the shadow. */
export function follow({ shadow }: AppContext, serving: Serving, answered: readonly Answered[]): void {
  for (const { answer, record } of answered) if (answer.failed) shadow.miss(answer.failed, record)
  if (!serving.shadow) return
  const offered = answered.filter(({ answer, record }) => !answer.failed && isChampion(record))
  const records = offered.map(({ record }) => record)
  if (records.length > 0) shadow.offer(serving.shadow, records)
}

export function isChampion({ variant }: PredictionRecord): boolean {
  return variant === 'champion'
}

export function modelOf({ bundle, variant }: Assignment): {
  name: string
  version: string
  variant: string
} {
  return { name: bundle.manifest.name, version: bundle.manifest.version, variant }
}

/** Half up on the double's exact value, which `Math.round(x * 1e6) / 1e6` is not. */
export function roundTo6(value: number): number {
  return Number(value.toFixed(6))
}
