/**
 * An event loop on paper, with clients that ask again as soon as they are answered or at a fixed rate: what would be accepted, and how
 * long it would take, if requests cost so much. Deterministic, so that a rule can be judged on any machine.
 */
import { Intake } from '../../src/limits/index.ts'

export interface Costs {
  /** To take a request up, and to answer it. */
  readonly takeMs: number
  readonly answerMs: number
  /** To read a request that is refused, and to refuse it. */
  readonly readMs: number
  readonly refuseMs: number
}

export interface Load {
  readonly connections: number
  /** Null: each connection asks again when it is answered. */
  readonly perSecond: number | null
}

/** `turns`: as the service does it; `switch`: all requests are refused after a sample that was too slow, until the next sample. */
export type Rule = 'turns' | 'switch'

export interface Figures {
  /** Accepted requests, of those that a loop could answer that does nothing else. */
  readonly share: number
  readonly p99Ms: number
  readonly refusedPerSecond: number
  readonly refusedP99Ms: number
}

interface Request {
  readonly connection: number
  readonly dueMs: number
}

/** libuv takes no more at a time. */
const EVENTS = 1024
const TIMER_MS = 10
const SAMPLE_MS = 100
const ROUND_TRIP_MS = 0.05
const RAMP_MS = 1_000
const END_MS = 4_000

export function simulate(
  costs: Costs,
  { connections, perSecond }: Load,
  rule: Rule,
  delayMs: number,
): Figures {
  let nowMs = 0
  let atTheEnd: (() => void)[] = []
  const intake = new Intake(delayMs + TIMER_MS, {
    nowMs: () => nowMs,
    workedMs: () => nowMs,
    atTheEnd: (call) => void atTheEnd.push(call),
  })
  const [accepted, refused]: [number[], number[]] = [[], []]
  const all = Array.from({ length: connections }, (_, connection) => connection)
  const free: number[] = perSecond === null ? [] : all
  const arriving: Request[] = perSecond === null ? all.map((connection) => ({ connection, dueMs: 0 })) : []
  let nextDueMs = 0

  const answered = (times: number[], { connection, dueMs }: Request): void => {
    if (nowMs > RAMP_MS) times.push(nowMs - dueMs)
    if (perSecond === null) arriving.push({ connection, dueMs: nowMs + ROUND_TRIP_MS })
    else free.push(connection)
  }
  const arrive = (): Request[] => {
    if (perSecond !== null)
      for (; nextDueMs <= nowMs; nextDueMs += 1000 / perSecond) {
        const connection = free.shift()
        if (connection !== undefined) arriving.push({ connection, dueMs: nextDueMs })
      }
    const waiting = arriving.findIndex(({ dueMs }) => dueMs > nowMs)
    return arriving.splice(0, Math.min(EVENTS, waiting < 0 ? arriving.length : waiting))
  }

  let isOverloaded = false
  let timerMs = 0
  let sampleMs = SAMPLE_MS
  let intervals: number[] = []
  while (nowMs < END_MS) {
    if (nowMs >= timerMs + TIMER_MS) {
      intervals.push(nowMs - timerMs)
      timerMs = nowMs
    }
    if (nowMs >= sampleMs) {
      // As under-pressure does it.
      const mean = intervals.reduce((sum, interval) => sum + interval, 0) / intervals.length
      isOverloaded = !(mean - TIMER_MS <= delayMs)
      intervals = []
      sampleMs = nowMs + SAMPLE_MS
    }
    const requests = arrive()
    if (requests.length === 0 && atTheEnd.length === 0) {
      const next = perSecond === null ? (arriving[0]?.dueMs ?? Infinity) : nextDueMs
      nowMs = Math.max(nowMs + 0.001, Math.min(next, timerMs + TIMER_MS, sampleMs))
      continue
    }
    nowMs += 0.01
    const taken: Request[] = []
    for (const request of requests) {
      if (!isOverloaded || (rule === 'turns' && intake.hasRoom())) {
        nowMs += costs.takeMs
        taken.push(request)
        continue
      }
      nowMs += costs.readMs
      const refuse = (): void => {
        nowMs += costs.refuseMs
        answered(refused, request)
      }
      if (rule === 'turns') intake.refuse(refuse)
      else refuse()
    }
    const calls = atTheEnd
    atTheEnd = []
    for (const call of calls) call()
    for (const request of taken) {
      nowMs += costs.answerMs
      answered(accepted, request)
    }
  }
  const seconds = (END_MS - RAMP_MS) / 1000
  return {
    share: (accepted.length / seconds) * ((costs.takeMs + costs.answerMs) / 1000),
    p99Ms: p99(accepted),
    refusedPerSecond: refused.length / seconds,
    refusedP99Ms: p99(refused),
  }
}

const p99 = (times: readonly number[]): number =>
  times.toSorted((a, b) => a - b)[Math.floor(times.length * 0.99)] ?? NaN
