/**
 * Requests at a fixed rate over kept connections, whatever comes back: what was answered, what failed, and how long it took.
 */
import { Agent, request } from 'node:http'
import { EXAMPLE } from '../example.ts'

export interface Load {
  /** Ids of the predictions whose answer arrived whole, with 200. */
  readonly answered: string[]
  /** Requests that got no answer, or another one. */
  readonly failures: () => number
  /** Milliseconds from the time at which a request was due, so that a stall counts for all that it held up. */
  readonly latenciesMs: number[]
  /** Sends nothing more. @returns when all that was sent is answered or has failed */
  stop(): Promise<void>
}

const TICK_MS = 5
const CONNECTIONS = 64
/** Of so many requests one is a batch. */
const BATCH_EVERY = 20
const BATCH = 5
/** Where answers are later than that, requests are sent later, too: they would fill the memory. */
const MOST_OPEN = 5000

/**
 * @param perSecond requests, each of one prediction; every twentieth is a batch of five in the place of five
 * @param seen is told of every answer
 */
export function startLoad(
  url: () => string,
  perSecond: number,
  seen: (text: string, dueMs: number, latencyMs: number) => void = () => {},
): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  const answered: string[] = []
  const latenciesMs: number[] = []
  const start = performance.now()
  let predictions = 0
  let requests = 0
  let failures = 0
  let open = 0
  let drained = (): void => {}

  function send(dueMs: number): void {
    const batch = requests++ % BATCH_EVERY === BATCH_EVERY - 1
    predictions += batch ? BATCH : 1
    const user = (i: number) => ({ ...EXAMPLE, user_id: `player ${predictions + i}` })
    const body = JSON.stringify(batch ? { users: Array.from({ length: BATCH }, (_, i) => user(i)) } : user(0))
    open++
    let done = false
    const end = (ids: readonly string[] | null): void => {
      if (done) return
      done = true
      if (ids === null) failures++
      else {
        for (const id of ids) answered.push(id)
        latenciesMs.push(performance.now() - dueMs)
      }
      if (--open === 0) drained()
    }
    const outgoing = request(
      `${url()}/${batch ? 'batch_predict' : 'predict'}`,
      {
        method: 'POST',
        agent,
        headers: { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('error', () => end(null))
        response.on('close', () => {
          const isWhole = response.complete && response.statusCode === 200
          if (isWhole && !done) seen(text, dueMs, performance.now() - dueMs)
          end(isWhole ? idsIn(text) : null)
        })
      },
    )
    outgoing.on('error', () => end(null))
    outgoing.end(body)
  }

  const timer = setInterval(() => {
    const due = ((performance.now() - start) / 1000) * perSecond
    while (predictions < due && open < MOST_OPEN) send(start + (predictions / perSecond) * 1000)
  }, TICK_MS)

  return {
    answered,
    latenciesMs,
    failures: () => failures,
    async stop() {
      clearInterval(timer)
      if (open > 0) await new Promise<void>((resolve) => (drained = resolve))
      agent.destroy()
    },
  }
}

const idsIn = (text: string): string[] =>
  [...text.matchAll(/"prediction_id":"([^"]+)"/g)].map((match) => match[1]!)

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}
