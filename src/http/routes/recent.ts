/**
 * `GET /stats/recent`: how the latest predictions are distributed. `GET /stats/live`: what this process does, every second, as
 * server-sent events.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'
import { quantileMs } from '../../monitor/index.ts'
import type { Recent } from '../../prediction-log/index.ts'
import type { AppContext, Routes } from '../context.ts'
import { Followers } from '../followers.ts'
import { nameOfCaller } from '../plugins/rate-limits.ts'
import { failures } from '../schemas/failure.ts'
import { LiveEvent, RecentAnswer } from '../schemas/recent.ts'
import { statusOf } from './health.ts'

const LOOKS_AT = 20_000
/** Pages that are open at the same time share an answer. */
const FRESH_FOR_MS = 2_000
const OTHERS = '(others)'

const TICK_MS = 1_000
const MOST_FOLLOWERS = 100

export const recentRoutes: Routes = (app, context) => {
  /** By the facets in JSON. */
  const recent = new LRUCache<string, Recent>({
    max: 1,
    ttl: FRESH_FOR_MS,
    fetchMethod: (facets) =>
      context.predictionLog.recent({
        now: context.now(),
        atMost: LOOKS_AT,
        facets: JSON.parse(facets) as string[],
      }),
  })

  app.get(
    '/stats/recent',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'recent',
        tags: ['service'],
        summary: 'How the latest predictions are distributed',
        response: { 200: RecentAnswer, ...failures() },
      },
    },
    async () => {
      const inputs = context.rollout.current()?.slots.champion?.bundle.inputs
      const names = inputs?.withRole('facet').map(({ name }) => name) ?? []
      const { from, predictions, meanRevenue, zeros, bins, facets } = (await recent.fetch(
        JSON.stringify(names),
      ))!
      return {
        from: from?.toISOString() ?? null,
        predictions,
        mean_predicted_revenue: meanRevenue,
        distribution: { zeros, bins: [...bins] },
        facets: facets.map(({ facet, segments }) => ({
          facet,
          segments: segments.map(({ value, predictions, meanRevenue }) => ({
            value: value ?? OTHERS,
            predictions,
            mean_predicted_revenue: meanRevenue,
          })),
        })),
      }
    },
  )

  const closing = new AbortController()
  app.addHook('preClose', async () => closing.abort())
  const followers = new Followers(MOST_FOLLOWERS, context.liveStreamsPerCaller)

  app.get(
    '/stats/live',
    {
      config: { scope: 'read' },
      exposeHeadRoute: false,
      sse: 'only',
      schema: {
        operationId: 'liveFigures',
        tags: ['service'],
        summary: 'What this process does, every second',
        description: 'Server-sent events. The data of each is JSON.',
        response: {
          200: {
            description: 'Until the caller leaves.',
            content: { 'text/event-stream': { schema: LiveEvent } },
          },
          ...failures(406),
        },
      },
    },
    async (request, reply) => {
      reply.sse.onClose(followers.begin(nameOfCaller(request)))
      await reply.sse.send(ticks(context, closing.signal))
    },
  )
}

async function* ticks(context: AppContext, closing: AbortSignal) {
  let before = context.metrics.pulse.read()
  let beforeMs = performance.now()
  for (;;) {
    const after = context.metrics.pulse.read()
    const afterMs = performance.now()
    const { spool, dropped, state } = context.predictionLog.status()
    yield {
      data: {
        time: context.now().toISOString(),
        process: process.pid,
        predictions: after.predictions,
        predictions_per_s:
          ((after.predictions - before.predictions) * 1000) / Math.max(afterMs - beforeMs, TICK_MS / 2),
        p50_ms: quantileMs(before, after, 0.5),
        p99_ms: quantileMs(before, after, 0.99),
        status: statusOf(context),
        version: context.rollout.current()?.slots.champion?.bundle.manifest.version ?? null,
        log: { state, spool_bytes: spool.bytes, dropped },
      },
    }
    ;[before, beforeMs] = [after, afterMs]
    try {
      await delay(TICK_MS, undefined, { signal: closing, ref: false })
    } catch {
      return
    }
  }
}
