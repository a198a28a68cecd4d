/**
 * Errors → answers of one shape: `{statusCode, code, error, message}`, or the shape of the protocol that a path belongs to, whatever
 * threw them. What is the caller's fault is explained; what is ours goes to the log and stays there.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inferenceFailure } from '../inference/failure.ts'
import { scoringFailure } from '../scoring/failure.ts'
import { settleConnection } from './closing.ts'
import { notFound, pathOf } from './no-route.ts'

/** What is not available, and when to ask again; null where waiting does not help. */
const RETRY_AFTER_S: Readonly<Record<string, number | null>> = {
  PREDICTION_LOG_UNAVAILABLE: 5,
  PREDICTION_LOG_FULL: 5,
  PREDICTION_LOG_OFF: null,
  MODEL_UNAVAILABLE: 5,
  EXPERIMENTS_BUSY: 30,
  FOLLOWERS_FULL: 30,
  FOLLOWERS_OF_CALLER: 30,
  ACCESS_UNAVAILABLE: 5,
  EXPLANATION_UNAVAILABLE: null,
}

export interface FailureAnswer {
  readonly statusCode: number
  readonly code: string
  readonly error: string
  readonly message: string
}

export type FailureForm = (failure: FailureAnswer) => object

/** Paths of protocols that others have made, whose clients expect errors in their form. */
const FORMS: readonly (readonly [paths: RegExp, form: FailureForm])[] = [
  [/^\/v2(\/|$)/, inferenceFailure],
  [/^\/(invocations|ping|version)(\/|$)/, scoringFailure],
]

export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>(answerError)
  // Of a route that looked for something and did not find it; a request without a route comes to no-route.ts before.
  app.setNotFoundHandler((request, reply) => answerError(notFound(request), request, reply))
}

/** Also of a request that finds no way to a route or to the one for those that are not there. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const retryAfterS = RETRY_AFTER_S[error.code]
  if (typeof retryAfterS === 'number') reply.header('retry-after', retryAfterS)
  return answer(request, reply, { ...failureOf(error, request.log), ...wordsFor(error, request) })
}

/** What Fastify says without saying what was expected. */
function wordsFor({ code }: FastifyError, request: FastifyRequest): { message?: string } {
  const { schema, bodyLimit } = request.routeOptions
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return { message: `body: expected at most ${bodyLimit} bytes` }
  if (code !== 'FST_ERR_CTP_INVALID_MEDIA_TYPE') return {}
  const { content = { 'application/json': {} } } = (schema?.body ?? {}) as { content?: object }
  const came = request.headers['content-type'] ?? 'nothing'
  return { message: `content-type: expected ${Object.keys(content).join(' or ')}, got ${came}` }
}

function answer(request: FastifyRequest, reply: FastifyReply, failure: FailureAnswer): FastifyReply {
  request.failure = failure.code
  settleConnection(request, reply)
  reply.code(failure.statusCode)
  const path = request.routeOptions.url ?? pathOf(request)
  const form = FORMS.find(([paths]) => paths.test(path))?.[1]
  if (!form) return reply.send(failure)
  // KServe's client shows an error's text only if the type is this and no more, which Fastify leaves so for bytes.
  return reply.type('application/json').send(Buffer.from(JSON.stringify(form(failure))))
}

/** What is ours goes to the log, and nothing of it into the answer. */
export function failureOf(error: FastifyError, log: FastifyBaseLogger): FailureAnswer {
  const statusCode = statusOf(error)
  if (statusCode === 500) log.error({ err: error }, 'request failed')
  return {
    statusCode,
    code: statusCode === 500 ? 'INTERNAL' : error.code,
    error: STATUS_CODES[statusCode] ?? 'Error',
    message:
      statusCode === 500 ? 'the request could not be answered; the log has the details' : error.message,
  }
}

/** An error that asks for a status gets it if it is a client's error or "not available"; all others are ours. */
function statusOf(error: FastifyError): number {
  const status = error.statusCode ?? (error.code in RETRY_AFTER_S ? 503 : 500)
  return (status >= 400 && status < 500) || status === 503 ? status : 500
}
