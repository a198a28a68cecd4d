/**
 * `POST /outcomes`: the revenue that really came. One bad outcome of many fails no other; sending one again changes nothing.
 */
import type { Outcome } from '../../prediction-log/index.ts'
import type { Routes } from '../context.ts'
import { describe, explain } from '../plugins/validation.ts'
import { failures } from '../schemas/failure.ts'
import { OutcomeSchema, outcomesBody, type OutcomeBody, OutcomesAnswer, TIME } from '../schemas/outcomes.ts'

/** Clocks differ a little. */
const TOLERATED_FUTURE_MS = 300_000

export const outcomeRoutes: Routes = (app, context) => {
  app.post(
    '/outcomes',
    {
      config: { scope: 'outcomes' },
      schema: {
        operationId: 'recordOutcomes',
        tags: ['outcomes'],
        summary: 'Report the revenue of one install or of many',
        body: outcomesBody(context.batchMaxUsers),
        response: { 200: OutcomesAnswer, ...failures(413, 415) },
      },
    },
    async (request) => {
      const isOutcome =
        request.getValidationFunction(OutcomeSchema) ?? request.compileValidationSchema(OutcomeSchema)
      const { body } = request
      const time = context.now()
      const isMany = 'outcomes' in body
      const accepted: Outcome[] = []
      const errors: { index: number; error: string }[] = []
      for (const [index, item] of (isMany ? body.outcomes : [body]).entries()) {
        const fault = isOutcome(item as Record<string, unknown>)
          ? faultOf(item as OutcomeBody, time)
          : explain(isOutcome.errors, 'outcome')
        if (fault === null) accepted.push(outcomeOf(item as OutcomeBody, time))
        else errors.push({ index, error: fault })
      }
      if (!isMany && errors[0])
        throw Object.assign(new Error(errors[0].error), { statusCode: 400, code: 'OUTCOME_INVALID' })
      if (accepted.length > 0) await context.predictionLog.recordOutcomes(accepted)
      return { accepted: accepted.length, errors }
    },
  )
}

function faultOf(body: OutcomeBody, now: Date): string | null {
  const keys = [body.prediction_id, body.user_id].filter((key) => key !== undefined).length
  if (keys !== 1)
    return `outcome: expected either prediction_id or user_id, got ${keys === 0 ? 'neither' : 'both'}`
  if (body.observed_at === undefined) return null
  const observedMs = Date.parse(body.observed_at)
  // The format allows for leap seconds and zones without minutes, which are no times to JavaScript.
  if (Number.isNaN(observedMs))
    return `observed_at: expected ${TIME['x-expected']}, got ${describe(body.observed_at)}`
  // PostgreSQL knows no year 0.
  if (observedMs < 0 || observedMs > now.getTime() + TOLERATED_FUTURE_MS)
    return `observed_at: expected a time since 1970 that is not in the future, got ${describe(body.observed_at)}`
  return null
}

function outcomeOf(body: OutcomeBody, now: Date): Outcome {
  return {
    predictionId: body.prediction_id ?? null,
    userId: body.user_id ?? null,
    revenue: body.revenue,
    observedAt: body.observed_at === undefined ? now : new Date(body.observed_at),
  }
}
