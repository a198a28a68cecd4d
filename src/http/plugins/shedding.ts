/**
 * Refuses what cannot be answered soon. @fastify/under-pressure tells when requests have waited too long for the event loop; from then
 * on a turn of the loop takes up no more than it can answer in time, and the rest gets 503, before its body is read.
 */
import underPressure from '@fastify/under-pressure'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { Intake, type IntakeClock, type Refusals } from '../../limits/index.ts'
import { settleConnection } from './closing.ts'
import { isEssential } from './essential.ts'

const SAMPLE_INTERVAL_MS = 100
/** under-pressure measures with a timer of so much, and takes it off: a longer turn shows as the delay beyond it. */
const RESOLUTION_MS = 10
const RETRY_AFTER_S = 1
/** Refusals that wait for their turn; each holds a request without its body. */
const MAX_WAITING = 5_000

const BODY = JSON.stringify({
  statusCode: 503,
  code: 'OVERLOADED',
  error: 'Service Unavailable',
  message: 'there are more requests than can be answered in time; Retry-After says when to try again',
})

/**
 * @param delayMs 0: nothing is refused
 * @param clock absent: that of the event loop
 */
export async function shedLoad(
  app: FastifyInstance,
  refusals: Pick<Refusals, 'shed'>,
  delayMs: number,
  clock?: IntakeClock,
): Promise<void> {
  if (delayMs === 0) return
  const intake = new Intake(delayMs + RESOLUTION_MS, clock)
  await app.register(underPressure, {
    maxEventLoopDelay: delayMs,
    sampleInterval: SAMPLE_INTERVAL_MS,
    pressureHandler(request, reply) {
      if (intake.hasRoom() || isEssential(request)) return
      refusals.shed()
      if (settleConnection(request, reply)) request.raw.resume() // its body need not wait in memory
      if (intake.waiting() < MAX_WAITING) intake.refuse(() => answer(reply))
      else answer(reply)
      return new Promise<void>(() => {}) // it goes no further
    },
  })
}

function answer(reply: FastifyReply): void {
  reply.code(503).header('retry-after', RETRY_AFTER_S).type('application/json; charset=utf-8').send(BODY)
}
