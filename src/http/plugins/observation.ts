/**
 * Each request → its id in the answer, one observation for the metrics, one line for the log. The first hook of all, so that what later ones
 * refuse is counted; and it waits for the response's `close`, which comes for a caller who left, too.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AppContext } from '../context.ts'
import { RequestLog, type RequestLogOptions } from './request-log.ts'
import { RequestLogger } from './request-logger.ts'

/** What nginx calls a request whose caller left before the answer. */
const CALLER_LEFT = { status: 499, code: 'CALLER_LEFT' }

/** @param traceIdOf of the trace that was begun for the request; null where there is none */
export function observeRequests(
  app: FastifyInstance,
  { requests, pulse }: AppContext['metrics'],
  options: RequestLogOptions = { mode: 'off', perSecond: 0 },
  traceIdOf?: (request: FastifyRequest) => string | null,
): void {
  const log = new RequestLog(options, app.log)

  app.decorateRequest('predictions', null)
  app.decorateRequest('failure', null)
  app.setChildLoggerFactory((logger, bindings, options) => new RequestLogger(logger, bindings, options))
  app.addHook('onRequest', (request, reply, done) => {
    requests.begin()
    reply.header('x-request-id', request.id)
    reply.raw.on('close', () => finish(request, reply))
    done()
  })
  app.addHook('onClose', async () => log.close())

  function finish(request: FastifyRequest, reply: FastifyReply): void {
    const { url: route, config } = request.routeOptions
    const hasLeft = !reply.raw.writableEnded
    if (hasLeft) request.failure = CALLER_LEFT.code
    const status = hasLeft ? CALLER_LEFT.status : reply.statusCode
    const durationMs = reply.elapsedTime
    if (config.scope === 'predict') pulse.took(durationMs)
    requests.end(request.method, route, status, durationMs)
    if (status >= 400) requests.error(status, request.failure ?? 'UNKNOWN')
    const isRoutine = config.scope === 'open' || config.scope === 'metrics'
    log.answered(request, reply, { route, status, durationMs, isRoutine }, traceIdOf?.(request))
  }
}
