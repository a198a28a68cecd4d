/**
 * Errors → answers of one shape: `{statusCode, code, error, message}`. What is the caller's fault is explained; what is ours
 * goes to the log and stays there.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyBaseLogger, FastifyError, FastifyInstance } from 'fastify'

/** What is not available, and when to ask again; null where waiting does not help. */
const RETRY_AFTER_S: Readonly<Record<string, number | null>> = {
  PREDICTION_LOG_UNAVAILABLE: 5,
  PREDICTION_LOG_FULL: 5,
  PREDICTION_LOG_OFF: null,
  MODEL_UNAVAILABLE: 5,
  EXPERIMENTS_BUSY: 30,
}

export interface FailureAnswer {
  readonly statusCode: number
  readonly code: string
  readonly error: string
  readonly message: string
}

export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const failure = failureOf(error, request.log)
    const retryAfterS = RETRY_AFTER_S[error.code]
    if (typeof retryAfterS === 'number') reply.header('retry-after', retryAfterS)
    return reply.code(failure.statusCode).send(failure)
  })

  app.setNotFoundHandler((request, reply) =>
    reply.code(404).send({
      statusCode: 404,
      code: 'NOT_FOUND',
      error: 'Not Found',
      message: `no such route: ${request.method} ${request.url.split('?', 1)[0]}; /docs lists them`,
    }),
  )
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
