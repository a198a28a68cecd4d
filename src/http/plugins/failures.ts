/**
 * Errors → answers of one shape: `{statusCode, code, error, message}`, or the shape of the protocol that a path belongs to, whatever
 * threw them. What is the caller's fault is explained; what is ours goes to the log and stays there.
 */
import { STATUS_CODES } from 'node:http'
import type { FastifyBaseLogger, FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { inferenceFailure } from '../inference/failure.ts'
import { scoringFailure } from '../scoring/failure.ts'
import { settleConnection } from './closing.ts'

/** What is not available, and when to ask again; null where waiting does not help. */
const RETRY_AFTER_S: Readonly<Record<string, number | null>> = {
  PREDICTION_LOG_UNAVAILABLE: 5,
  PREDICTION_LOG_FULL: 5,
  PREDICTION_LOG_OFF: null,
  MODEL_UNAVAILABLE: 5,
  EXPERIMENTS_BUSY: 30,
  FOLLOWERS_FULL: 30,
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

/** Before any route is added. */
export function answerFailures(app: FastifyInstance): void {
  const routes: { readonly path: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    if (url !== '*') routes.push({ path: pathsOf(url), methods: [method].flat() })
  })
  const answerNoRoute = (request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const path = pathOf(request)
    const allowed = new Set(routes.flatMap((route) => (route.path.test(path) ? route.methods : [])))
    if (allowed.size === 0 || allowed.has(request.method))
      return answer(request, reply, {
        statusCode: 404,
        code: 'NOT_FOUND',
        error: 'Not Found',
        message: `no such route: ${request.method} ${path}; /docs lists them`,
      })
    const methods = [...allowed].join(', ')
    return answer(request, reply.header('allow', methods), {
      statusCode: 405,
      code: 'METHOD_NOT_ALLOWED',
      error: 'Method Not Allowed',
      message: `${path}: expected ${methods}, got ${request.method}`,
    })
  }
  app.setNotFoundHandler(answerNoRoute)
  app.setErrorHandler<FastifyError>((error, request, reply) =>
    error.code === NO_TYPE ? answerNoRoute(request, reply) : answerError(error, request, reply),
  )
}

/** Fastify asks a QUERY for its type before it looks for a route, and there is none. */
const NO_TYPE = 'FST_ERR_ROUTE_MISSING_CONTENT_TYPE'

/** Those of a route, such as `/v2/models/:name`. */
function pathsOf(url: string): RegExp {
  const pattern = url
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll(/:\w+/g, '[^/]+')
    .replaceAll('*', '.*')
  return new RegExp(`^${pattern}$`)
}

/** Also of a request that finds no way to a route or to the one for those that are not there. */
export function answerError(error: FastifyError, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const retryAfterS = RETRY_AFTER_S[error.code]
  if (typeof retryAfterS === 'number') reply.header('retry-after', retryAfterS)
  return answer(request, reply, failureOf(error, request.log))
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

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0]!
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
