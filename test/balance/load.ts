/**
 * Predictions over kept connections, each with an Idempotency-Key of its own, or without: nothing is sent again from here. They come
 * at a fixed rate, but no more than some at a time: a machine that is busy with other things gets fewer. What came back, by the
 * user that was asked for.
 */
import { Agent, request } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { EXAMPLE } from '../example.ts'

export interface Asked {
  /** Its own in each request; also the request's id and its key. */
  readonly userId: string
  /** Milliseconds since the start of this process. */
  readonly sentMs: number
  endedMs: number
  /** Null: the connection failed. */
  status: number | null
  body: string
}

export interface KeyedLoad {
  readonly asked: Asked[]
  /** Sends nothing more. @returns when all that was sent has ended */
  stop(): Promise<void>
}

const TICK_MS = 5
const SLOW_MS = 200
const CALM_MS = 1_000
const CALM_WITHIN_MS = 20_000

export function startPredictions(
  url: string,
  { perSecond, atOnce }: { perSecond: number; atOnce: number },
  { prefix, isKeyed }: { prefix: string; isKeyed: boolean },
): KeyedLoad {
  const agent = new Agent({ keepAlive: true, maxSockets: atOnce })
  const asked: Asked[] = []
  let sinceMs = performance.now()
  let open = 0
  let drained = (): void => {}

  function send(): void {
    const userId = `${prefix}-${asked.length}`
    const one: Asked = { userId, sentMs: performance.now(), endedMs: NaN, status: null, body: '' }
    asked.push(one)
    open++
    const end = (): void => {
      if (!Number.isNaN(one.endedMs)) return
      one.endedMs = performance.now()
      if (--open === 0) drained()
    }
    const body = JSON.stringify({ ...EXAMPLE, user_id: userId })
    const headers = {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
      'x-request-id': userId,
      ...(isKeyed && { 'idempotency-key': userId }),
    }
    const outgoing = request(`${url}/predict`, { method: 'POST', agent, headers }, (response) => {
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (one.body += chunk))
      response.on('error', end)
      response.on('close', () => {
        if (response.complete) one.status = response.statusCode!
        end()
      })
    })
    outgoing.on('error', end)
    outgoing.end(body)
  }

  const timer = setInterval(() => {
    const nowMs = performance.now()
    for (; sinceMs < nowMs; sinceMs += 1000 / perSecond) if (open < atOnce) send()
  }, TICK_MS)

  return {
    asked,
    async stop() {
      clearInterval(timer)
      if (open > 0) await new Promise<void>((resolve) => (drained = resolve))
      agent.destroy()
    },
  }
}

/** Code is compiled when it is first used, and a machine may be busy: waits for a second in which nothing took long. */
export async function untilCalm({ asked }: KeyedLoad): Promise<void> {
  for (const latestMs = performance.now() + CALM_WITHIN_MS; performance.now() < latestMs; await delay(100)) {
    const since = performance.now() - CALM_MS
    const late = asked.filter(({ sentMs, endedMs }) => !(endedMs < since) && !(endedMs - sentMs < SLOW_MS))
    const isOld = asked.length > 0 && asked[0]!.sentMs < since
    if (isOld && late.every(({ sentMs }) => performance.now() - sentMs < SLOW_MS)) return
  }
}

export const predictionIdOf = ({ body }: Asked): string =>
  (JSON.parse(body) as { prediction_id: string }).prediction_id
