/**
 * `GET /health`, `/health/live`, `/health/ready`.
 *
 * A model that should serve and does not makes the service `degraded`: one that was refused, or cannot be had.
 *
 * Ready is a service that has a model, knows who may be let in, and whose log has made its first attempt at the database, whatever
 * came of it. One whose log cannot reach the database is ready, and says `degraded`: taking it out of traffic would turn a database
 * outage into an outage of predictions.
 * Once it is told to stop it is not ready, and answers what still comes.
 */
import { isClockWrong } from '../../prediction-log/index.ts'
import type { Slot } from '../../rollout/index.ts'
import { type AppContext, type Routes, servingOf } from '../context.ts'
import type { LifecycleState } from '../lifecycle.ts'
import { failuresOnly } from '../schemas/failure.ts'
import { trafficOf } from './admin.ts'
import { Health, Liveness, Readiness } from '../schemas/service.ts'

export const healthRoutes: Routes = (app, context) => {
  app.get(
    '/health',
    {
      config: { scope: 'open' },
      schema: {
        operationId: 'health',
        tags: ['service'],
        summary: 'State of the service',
        response: { 200: Health },
      },
    },
    () => {
      const slots = context.rollout.current()?.slots
      return {
        status: statusOf(context),
        uptime_s: process.uptime(),
        model: slotHealth(slots?.champion ?? null),
        challenger: slotHealth(slots?.challenger ?? null),
        rollout: rolloutHealth(context),
        prediction_log: logHealth(context),
        access: accessHealth(context),
      }
    },
  )

  app.get(
    '/health/live',
    {
      config: { scope: 'open' },
      schema: {
        operationId: 'live',
        tags: ['service'],
        summary: 'Is the process alive?',
        response: { 200: Liveness },
      },
    },
    () => ({ status: 'ok' as const }),
  )

  app.get(
    '/health/ready',
    {
      config: { scope: 'open' },
      schema: {
        operationId: 'ready',
        tags: ['service'],
        summary: 'May it get traffic?',
        response: { 200: Readiness, ...failuresOnly(503) },
      },
    },
    () => {
      expectReady(context)
      return { status: statusOf(context), checks: { model: 'ok', prediction_log: logHealth(context) } }
    },
  )
}

const STOPPING: ReadonlySet<LifecycleState> = new Set(['draining', 'leaving', 'closed'])

/** @throws 503 if it may not get traffic yet */
export function expectReady(context: AppContext): void {
  if (STOPPING.has(context.lifecycle.state()))
    throw Object.assign(new Error('the service is stopping'), { statusCode: 503, code: 'STOPPING' })
  servingOf(context)
  if (context.access.isBlind())
    throw Object.assign(new Error('nobody can be let in yet: the keys cannot be read'), {
      code: 'ACCESS_UNAVAILABLE',
    })
  if (context.predictionLog.status().state === 'connecting')
    throw Object.assign(new Error('the prediction log is still opening its database'), {
      statusCode: 503,
      code: 'STARTING',
    })
}

function slotHealth(slot: Slot | null) {
  if (!slot) return null
  const { name, version, created } = slot.bundle.manifest
  return { name, version, created, origin: slot.origin, serving_since: slot.since.toISOString() }
}

function rolloutHealth({ models }: AppContext) {
  const { champion, challenger } = models.followers()
  return { champion, challenger, traffic: trafficOf(models.traffic.current()) }
}

export function statusOf({ predictionLog, rollout, models, access }: AppContext): string {
  if (!rollout.current()) return 'degraded'
  if (Object.values(models.followers()).some((follower) => follower?.reason)) return 'degraded'
  const { isEnforced, keys, issuer } = access.status()
  if (isEnforced && (keys !== 'current' || issuer === 'unreachable')) return 'degraded'
  const { state, spool, clockOffsetMs } = predictionLog.status()
  if (isClockWrong(clockOffsetMs) || spool.stranded.segments > 0) return 'degraded'
  return (state === 'shipping' || state === 'off') && spool.error === null ? 'ok' : 'degraded'
}

function accessHealth({ access }: AppContext) {
  const { isEnforced, keys, issuer } = access.status()
  return { required: isEnforced, keys, issuer }
}

function logHealth({ predictionLog, now }: AppContext) {
  const { state, spool, dropped, quarantined, lastError, clockOffsetMs } = predictionLog.status()
  return {
    state,
    spool_bytes: spool.bytes,
    stranded_segments: spool.stranded.segments,
    stranded_reason: spool.stranded.error,
    oldest_record_age_s:
      spool.oldestMs === null ? null : Math.max(0, (now().getTime() - spool.oldestMs) / 1000),
    dropped,
    quarantined,
    clock_offset_s: clockOffsetMs === null ? null : clockOffsetMs / 1000,
    last_error: spool.error ?? lastError,
  }
}
