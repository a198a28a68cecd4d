/**
 * An install → its prediction: the number, the record of it for the log, and what follows once it is answered. All routes that predict
 * go through here, whatever their protocol; they differ in how they take installs and in what they show of the answers.
 */
import type { FastifyBaseLogger, FastifyRequest } from 'fastify'
import { type Interval, roundTo6 } from '../bundle/index.ts'
import { kindOf, type Row } from '../inputs/index.ts'
import type { PredictionRecord } from '../prediction-log/index.ts'
import type { Answer, Serving } from '../rollout/index.ts'
import type { AppContext } from './context.ts'
import type { Asked, Intake, ReadInstall } from './intake.ts'

/** What answers: what is in service with its split, or one model of it that the caller has named. */
export interface Answering extends Pick<Serving, 'shadow'>, Asked {
  predict(
    key: string,
    row: Row,
    rowFor: ReadInstall['rowFor'],
  ): Omit<Answer, 'variant'> & { readonly variant: string }
}

export interface Answered {
  readonly answer: ReturnType<Answering['predict']>
  readonly record: PredictionRecord
  /** Null where the model has none; it is answered, and not logged. */
  readonly interval: Interval | null
  /** The row that a challenger with other inputs takes. */
  readonly rowFor: ReadInstall['rowFor']
}

/** One of many, which fails alone. @param whole what to call it in an error */
export function predictOneOf(
  context: AppContext,
  serving: Answering,
  input: unknown,
  { time, intake, log, whole }: OneOfMany,
): Answered | { readonly error: string } {
  const install = intake.read(input, whole)
  if (typeof install === 'string') return { error: install }
  try {
    return predict(context, serving, install, time)
  } catch (error) {
    log.error({ err: error }, `a ${whole} of many could not be predicted`)
    return { error: `the model has no finite answer for this ${whole}` }
  }
}

/**
 * Many that are answered together or not at all; then nothing is logged either.
 * @param nameOf what to call an input in an error, by its place
 * @throws 400 for the first that is no install, without its values
 */
export async function predictAll(
  context: AppContext,
  request: FastifyRequest,
  serving: Answering,
  inputs: readonly unknown[],
  nameOf: (place: number) => string,
): Promise<readonly Answered[]> {
  const { batchMaxUsers } = context
  const intake = request.server.intakes.of(serving)
  if (inputs.length > batchMaxUsers)
    throw refusal(`expected at most ${batchMaxUsers} installs, got ${inputs.length}`)
  const installs = inputs.map((input, place) => {
    const install = intake.read(input, 'install', kindOf)
    if (typeof install === 'string') throw refusal(`${nameOf(place)}: ${install}`)
    return install
  })
  const time = context.now()
  const answered = installs.map((install) => predict(context, serving, install, time))
  await keep(context, request, serving, answered)
  return answered
}

/** A request that is refused as a whole. */
export function refusal(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400, code: 'INSTALLS_INVALID' })
}

interface OneOfMany {
  readonly time: Date
  readonly intake: Intake
  readonly log: FastifyBaseLogger
  readonly whole: string
}

/**
 * Resolves when they are safe in the log; only then may they be answered.
 * @param request null for a part of a stream, of which nobody wants to know every id
 */
export async function keep(
  context: AppContext,
  request: FastifyRequest | null,
  serving: Answering,
  answered: readonly Answered[],
): Promise<void> {
  if (answered.length > 0) await context.predictionLog.append(answered.map(({ record }) => record))
  follow(context, request, serving, answered)
}

export function predict(
  context: AppContext,
  serving: Answering,
  { row, userId, rowFor }: ReadInstall,
  time: Date,
): Answered {
  const predictionId = context.newPredictionId(time)
  const start = performance.now()
  const answer = serving.predict(userId ?? predictionId, row, rowFor)
  const { bundle, variant, prediction } = answer
  const inferenceTimeMs = roundTo6(performance.now() - start)
  const record = {
    predictionId,
    time,
    userId,
    inputs: bundle.inputs,
    row: answer.row,
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
    rowFor,
  }
}

/**
 * After the answers: they are counted; what the challenger failed in its arm is kept, and the rest of the champion's is offered to
 * the shadow.
 */
export function follow(
  { shadow, metrics }: AppContext,
  request: FastifyRequest | null,
  serving: Answering,
  answered: readonly Answered[],
): void {
  if (request) request.predictions = answered.map(({ record }) => record)
  metrics.predictions.note(answered)
  metrics.pulse.answered(answered.length)
  for (const { answer, record } of answered) if (answer.failed) shadow.miss(answer.failed, record)
  if (!serving.shadow) return
  const offered = answered.filter(({ answer, record }) => !answer.failed && isChampion(record))
  if (offered.length > 0)
    shadow.offer(
      serving.shadow,
      offered.map(({ record, rowFor }) => ({ record, rowFor })),
    )
}

export function isChampion({ variant }: PredictionRecord): boolean {
  return variant === 'champion'
}

export function modelOf({ bundle, variant }: Pick<Answered['answer'], 'bundle' | 'variant'>): {
  name: string
  version: string
  variant: string
} {
  return { name: bundle.manifest.name, version: bundle.manifest.version, variant }
}
