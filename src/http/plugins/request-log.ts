/**
 * One line in the log for a request, when it was answered: its id, route, status, time, caller and prediction. Never a header, a body, or
 * what stands behind the `?`.
 *
 * At high rates a line for each would cost more than the answers. So there are so many a second, then one in a thousand, and at the
 * end of the second one line that says how many had none. Statuses from 400, and those from 500, have as many lines of their own: a flood of
 * one kind hides no other.
 */
import type { FastifyBaseLogger, FastifyReply, FastifyRequest } from 'fastify'
import { traceIdOf } from './request-id.ts'

export interface RequestLogOptions {
  readonly mode: 'sampled' | 'all' | 'errors' | 'off'
  /** Lines of each kind, before requests are sampled. */
  readonly perSecond: number
}

/** What a line says that the request itself does not. */
export interface Outcome {
  /** Undefined where no route was matched. */
  readonly route: string | undefined
  readonly status: number
  readonly durationMs: number
  /** Such as a probe's: of less interest than others. */
  readonly isRoutine: boolean
}

const SECRETS = [
  'authorization',
  'proxy-authorization',
  'x-api-key',
  'cookie',
  'set-cookie',
  'password',
  'token',
]
/** Where headers and the like are logged. Whole paths: pino takes ten times as long for those with a wildcard. */
const PLACES = [
  '',
  'headers',
  'req.headers',
  'request.headers',
  'res.headers',
  'err.headers',
  'err.request.headers',
]

/** Never in the log. */
export const REDACTED: readonly string[] = PLACES.flatMap((place) =>
  SECRETS.map((name) => `${place}["${name}"]`),
)

/** Statuses below 400, below 500, and from there. */
const KINDS = [
  { level: 'info', name: 'answered' },
  { level: 'warn', name: 'rejected' },
  { level: 'error', name: 'failed' },
] as const
/** Beyond the lines of a second, one in so many gets one. */
const SHARE = 1000
const SECOND_MS = 1000
const SHOWN_PATH_CHARACTERS = 200

export class RequestLog {
  readonly #logger: FastifyBaseLogger
  readonly #mode: RequestLogOptions['mode']
  readonly #budgets: readonly Budget[]
  readonly #timer: NodeJS.Timeout | undefined

  constructor({ mode, perSecond }: RequestLogOptions, logger: FastifyBaseLogger) {
    this.#logger = logger
    this.#mode = mode
    this.#budgets = KINDS.map(() => new Budget(perSecond))
    if (mode === 'sampled' || mode === 'errors')
      this.#timer = setInterval(() => this.#renew(), SECOND_MS).unref()
  }

  /** @param traceId where a trace was begun for the request */
  answered(request: FastifyRequest, reply: FastifyReply, outcome: Outcome, traceId?: string | null): void {
    const { status } = outcome
    const kind = status >= 500 ? 2 : status >= 400 ? 1 : 0
    if (!this.#wants(kind)) return
    const level = kind === 0 && outcome.isRoutine ? 'debug' : KINDS[kind].level
    this.#logger[level](lineOf(request, reply, outcome, traceId), 'request')
  }

  close(): void {
    clearInterval(this.#timer)
    if (this.#timer) this.#renew()
  }

  #wants(kind: number): boolean {
    if (this.#mode === 'all') return true
    if (this.#mode === 'off' || (this.#mode === 'errors' && kind === 0)) return false
    return this.#budgets[kind]!.take()
  }

  #renew(): void {
    const counts = this.#budgets.map((budget) => budget.renew())
    if (counts.some((count) => count > 0))
      this.#logger.info(
        Object.fromEntries(KINDS.map(({ name }, kind) => [name, counts[kind]])),
        'requests without a line of their own',
      )
  }
}

class Budget {
  readonly #perSecond: number
  #left: number
  #untilNext = SHARE
  #leftOut = 0

  constructor(perSecond: number) {
    this.#perSecond = this.#left = perSecond
  }

  take(): boolean {
    if (this.#left > 0) {
      this.#left--
      return true
    }
    if (--this.#untilNext === 0) {
      this.#untilNext = SHARE
      return true
    }
    this.#leftOut++
    return false
  }

  /** @returns how many had no line */
  renew(): number {
    const leftOut = this.#leftOut
    this.#left = this.#perSecond
    this.#leftOut = 0
    return leftOut
  }
}

function lineOf(
  request: FastifyRequest,
  reply: FastifyReply,
  { route, status, durationMs }: Outcome,
  traceId: string | null = traceIdOf(request.headers['traceparent']),
): Record<string, unknown> {
  const { predictions, failure, caller } = request
  const first = predictions?.[0]
  return {
    reqId: request.id,
    ...(traceId && { traceId }),
    method: request.method,
    ...(route === undefined ? { path: pathOf(request.url) } : { route }),
    status,
    durationMs: Number(durationMs.toFixed(3)),
    ...(caller && { caller: caller.name }),
    ...(failure && { code: failure }),
    ...(first && {
      predictions: predictions!.length,
      predictionId: first.predictionId,
      model: first.modelVersion,
      variant: first.variant,
    }),
    bytesIn: lengthOf(request.headers['content-length']),
    bytesOut: lengthOf(reply.getHeader('content-length')),
  }
}

const pathOf = (url: string): string => url.split('?', 1)[0]!.slice(0, SHOWN_PATH_CHARACTERS)

/** Undefined, and so not in the line, where it is not known. */
const lengthOf = (header: number | string | string[] | undefined): number | undefined =>
  header === undefined ? undefined : Number(header)
