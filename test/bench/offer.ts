/**
 * Offers load to a service, as fast as one process can: so many connections, each with one request at a time → what was accepted and
 * refused, and how long it took, as JSON. In a closed loop a connection asks again when it is answered, refused or not; at a rate a request
 * is sent when it is due, and its time counts from then; one that finds no connection free is not sent, and counted.
 *
 *   node test/bench/offer.ts '{"url": …, "path": …, "body": …, "connections": 8, "perSecond": null, "seconds": 5}'
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { percentile } from '../faults/load.ts'

export interface Offer {
  readonly url: string
  readonly path: string
  readonly body: string
  readonly connections: number
  /** Null: a closed loop. */
  readonly perSecond: number | null
  readonly seconds: number
}

/** Null: there was none. */
export interface Outcome {
  readonly perSecond: number
  readonly p50Ms: number | null
  readonly p99Ms: number | null
}

export interface Taken {
  readonly accepted: Outcome
  readonly refused: Outcome
  readonly notSentPerSecond: number
  /** Connections that the service closed. */
  readonly closed: number
  /** Statuses other than 200 and 503. */
  readonly others: number
}

/** Not counted. */
const RAMP_MS = 1_500
const TICK_MS = 2
const HEAD_END = '\r\n\r\n'

async function offer({ url, path, body, connections, perSecond, seconds }: Offer): Promise<Taken> {
  const { hostname, port, host } = new URL(url)
  const bytes = Buffer.from(
    `POST ${path} HTTP/1.1\r\nhost: ${host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}${HEAD_END}${body}`,
  )
  const latenciesMs = { accepted: [] as number[], refused: [] as number[] }
  const free: ((dueMs: number) => void)[] = []
  let isCounted = false
  let isOver = false
  const counts = { notSent: 0, closed: 0, others: 0 }

  const answered = (status: string, sinceMs: number): void => {
    if (!isCounted) return
    if (status === '200') latenciesMs.accepted.push(performance.now() - sinceMs)
    else if (status === '503') latenciesMs.refused.push(performance.now() - sinceMs)
    else counts.others++
  }

  function open(): void {
    const socket: Socket = connect({ host: hostname, port: Number(port), noDelay: true })
    let sinceMs = 0
    let head = ''
    let status = ''
    let bytesLeft = 0
    const send = (dueMs: number): void => {
      sinceMs = dueMs
      socket.write(bytes)
    }
    const next = (): void => {
      if (perSecond === null) send(performance.now())
      else free.push(send)
    }
    socket.on('connect', next)
    socket.on('data', (chunk) => {
      if (bytesLeft > 0) bytesLeft -= chunk.length
      else {
        head += chunk.toString('latin1')
        const end = head.indexOf(HEAD_END)
        if (end < 0) return
        status = head.slice(9, 12)
        const length = Number(/content-length: (\d+)/.exec(head)?.[1] ?? 0)
        bytesLeft = end + HEAD_END.length + length - head.length
        head = ''
      }
      if (bytesLeft > 0) return
      bytesLeft = 0
      answered(status, sinceMs)
      next()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      counts.closed++
      if (!isOver) setTimeout(open, 100)
    })
  }

  for (let i = 0; i < connections; i++) open()
  if (perSecond !== null) {
    const startMs = performance.now()
    let due = 0
    setInterval(() => {
      for (const wanted = ((performance.now() - startMs) / 1000) * perSecond; due < wanted; due++) {
        const send = free.shift()
        if (send) send(startMs + (due / perSecond) * 1000)
        else if (isCounted) counts.notSent++
      }
    }, TICK_MS)
  }
  await delay(RAMP_MS)
  isCounted = true
  await delay(seconds * 1000)
  isOver = true
  const outcome = (all: readonly number[]): Outcome => ({
    perSecond: all.length / seconds,
    p50Ms: percentile(all, 0.5),
    p99Ms: percentile(all, 0.99),
  })
  return {
    accepted: outcome(latenciesMs.accepted),
    refused: outcome(latenciesMs.refused),
    notSentPerSecond: counts.notSent / seconds,
    closed: counts.closed,
    others: counts.others,
  }
}

if (import.meta.main) {
  const taken = await offer(JSON.parse(process.argv[2]!) as Offer)
  process.stdout.write(JSON.stringify(taken))
  process.exit()
}
