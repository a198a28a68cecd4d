/**
 * Refuses what cannot be answered soon. @fastify/under-pressure tells when requests have waited too long for the event loop; from then
 * on a turn of the loop takes up no more than it can answer in time, and the rest gets 503 before its body is read.
 */
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance } from 'fastify'
import { type Refusals, Turn } from '../../limits/index.ts'
import { settleConnection } from './closing.ts'
import { isEssential } from './essential.ts'

const SAMPLE_INTERVAL_MS = 100
/** Of a turn, what it may take to take up requests; the answers come on top. */
const TURN_PER_DELAY = 1.6
const RETRY_AFTER_S = 1

const BODY = JSON.stringify({
  statusCode: 503,
  code: 'OVERLOADED',
  error: 'Service Unavailable',
  message: 'there are more requests than can be answered in time; Retry-After says when to try again',
})

/** @param delayMs 0: nothing is refused */
export async function shedLoad(
  app: FastifyInstance,
  refusals: Pick<Refusals, 'shed'>,
  delayMs: number,
): Promise<void> {
  if (delayMs === 0) return
  const turn = new Turn(delayMs * TURN_PER_DELAY)
  await app.register(underPressure, {
    maxEventLoopDelay: delayMs,
    sampleInterval: SAMPLE_INTERVAL_MS,
    pressureHandler(request, reply) {
      if (turn.hasRoom() || isEssential(request)) return
      refusals.shed()
      settleConnection(request, reply)
      reply.code(503).header('retry-after', RETRY_AFTER_S).type('application/json; charset=utf-8')
      return BODY as unknown as void // it is sent
    },
  })
}
