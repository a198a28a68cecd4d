/**
 * Errors → answers of one shape: `{statusCode, code, error, message}`. What is the caller's fault is explained; what is ours
 * goes to the log and stays there.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyInstance } from 'fastify'

/** What is not available, and when to ask again; null where waiting does not help. */
const RETRY_AFTER_S: Readonly<Record<string, number | null>> = {
  PREDICTION_LOG_UNAVAILABLE: 5,
  PREDICTION_LOG_FULL: 5,
  PREDICTION_LOG_OFF: null,
  MODEL_UNAVAILABLE: 5,
  EXPERIMENTS_BUSY: 30,
  EXPLANATION_UNAVAILABLE: null,
}

export function answerFailures(app: FastifyInstance): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const statusCode = statusOf(error)
    const retryAfterS = RETRY_AFTER_S[error.code]
    if (typeof retryAfterS === 'number') reply.header('retry-after', retryAfterS)
    if (statusCode === 500) request.log.error({ err: error }, 'request failed')
    return reply.code(statusCode).send({
      statusCode,
      code: statusCode === 500 ? 'INTERNAL' : error.code,
      error: STATUS_CODES[statusCode] ?? 'Error',
      message:
        statusCode === 500 ? 'the request could not be answered; the log has the details' : error.message,
    })
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

/** An error that asks for a status gets it if it is a client's error or "not available"; all others are ours. */
function statusOf(error: FastifyError): number {
  const status = error.statusCode ?? (error.code in RETRY_AFTER_S ? 503 : 500)
  return (status >= 400 && status < 500) || status === 503 ? status : 500
}
