/**
 * A request for which there is no route → 404, or 405 with `Allow` where its path has routes for other methods; before its body is read.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify'

interface Path {
  readonly url: string
  readonly pattern: RegExp
  readonly methods: readonly string[]
}

/** Before any route is added, and after what else may refuse a request. */
export function refuseWithoutRoute(app: FastifyInstance): void {
  const paths: Path[] = []
  app.addHook('onRoute', ({ url, method }) => {
    // A browser's question what it may send, which is answered before.
    if (url !== '*') paths.push({ url, pattern: patternOf(url), methods: [method].flat() })
  })
  app.addHook('onRequest', (request, reply, done) => {
    if (!request.is404) return done()
    const allowed = allowedFor(decoded(pathOf(request)), paths)
    if (allowed.length === 0) return done(notFound(request))
    reply.header('allow', allowed.join(', '))
    const message = `${pathOf(request)}: expected ${allowed.join(', ')}, got ${request.method}`
    return done(Object.assign(new Error(message), { statusCode: 405, code: 'METHOD_NOT_ALLOWED' }))
  })
}

export function notFound(request: FastifyRequest) {
  const message = `no such route: ${request.method} ${pathOf(request)}; /docs lists them`
  return Object.assign(new Error(message), { name: 'NotFound', statusCode: 404, code: 'NOT_FOUND' })
}

export const pathOf = (request: FastifyRequest): string => request.url.split('?', 1)[0]!

function allowedFor(path: string, paths: readonly Path[]): string[] {
  // `/users/erase` is told as the document has it, though `erase` may be an id of `/users/:user_id`, too.
  const own = paths.filter(({ url }) => url === path)
  const matching = own.length > 0 ? own : paths.filter(({ pattern }) => pattern.test(path))
  const methods = new Set(matching.flatMap(({ methods }) => methods))
  // Of a folder's page Fastify tells only this one.
  if (methods.has('HEAD')) methods.add('GET')
  return [...methods].toSorted()
}

/** Of a route as Fastify has it, such as `/v2/models/:name`. */
function patternOf(url: string): RegExp {
  const pattern = url
    .replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll(/:\w+/g, '[^/]*')
  return new RegExp(`^${pattern}$`)
}

/** As the router reads it. */
function decoded(path: string): string {
  try {
    return decodeURI(path)
  } catch {
    return path
  }
}
