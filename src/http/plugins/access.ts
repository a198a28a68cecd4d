/**
 * Every route says in `config.scope` what its caller needs; here he is asked for it, before his body is read. A route that says nothing
 * prevents the start. The OpenAPI document gets the same scopes.
 *
 * While nobody is asked who he is (see `Access`), what only an operator may do takes a caller on the same machine.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify'
import { type AccessControl, AccessRefused, type AccessScope, type Caller } from '../../access/index.ts'
import type { Scope } from '../context.ts'
import { credentialOf } from './credentials.ts'
import { expectLocal } from './local.ts'

/** Pages that other plugins serve to everybody; they hold no data. */
const PAGES = ['/docs', '/dashboard']

/** For the OpenAPI document. */
export const SECURITY_SCHEMES = {
  bearer: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key of `day7 keys create`, or an access token of the issuer that the service trusts.',
  },
  apiKey: {
    type: 'apiKey',
    in: 'header',
    name: 'X-API-Key',
    description: 'An API key of `day7 keys create`.',
  },
} as const

/** Before any route is added. */
export function guardRoutes(app: FastifyInstance, access: AccessControl): void {
  app.addHook('onRoute', (route) => {
    const scope = route.config?.scope
    if (scope === undefined && !isPage(route))
      throw new Error(
        `${String(route.method)} ${route.url}: expected config.scope, which says what a caller needs`,
      )
    if (scope !== undefined) route.schema = { ...route.schema, security: securityOf(scope) }
  })

  app.addHook('onRequest', (request, reply, done) => {
    const { scope } = request.routeOptions.config
    // Not one of ours: a page, or no route at all.
    const needed = scope === undefined ? null : neededFor(scope, access)
    if (needed === null) return done()
    let waiting: Promise<void> | undefined
    try {
      waiting = ask(request, needed, access)
    } catch (error) {
      return done(refusalOf(error, reply, needed, access))
    }
    if (!waiting) return done()
    return waiting.catch((error: unknown) => {
      throw refusalOf(error, reply, needed, access)
    })
  })
}

/** A key is known at once; only a token that was not seen before has to be waited for. @throws AccessRefused */
function ask(request: FastifyRequest, needed: AccessScope, access: AccessControl): Promise<void> | undefined {
  if (!access.isEnforced()) {
    if (needed === 'admin') expectLocal(request)
    return undefined
  }
  const caller = access.callerOf(credentialOf(request.raw))
  if (caller instanceof Promise) return caller.then((caller) => admit(request, caller, needed))
  admit(request, caller, needed)
  return undefined
}

function neededFor(scope: Scope, access: AccessControl): AccessScope | null {
  if (scope === 'open') return null
  if (scope === 'metrics') return access.guardsMetrics ? 'read' : null
  return scope
}

/** @throws AccessRefused if he may do other things, but not this */
function admit(request: FastifyRequest, caller: Caller, needed: AccessScope): void {
  if (!caller.scopes.has(needed)) {
    const has = [...caller.scopes].join(', ') || 'none'
    throw new AccessRefused('INSUFFICIENT_SCOPE', `expected the scope ${needed}; “${caller.name}” has ${has}`)
  }
  request.caller = caller
  if (needed === 'admin')
    request.log.info(
      { caller: caller.id, name: caller.name, route: `${request.method} ${request.routeOptions.url}` },
      'access: an operator calls',
    )
}

/** RFC 6750, section 3: what is asked for, and what was wrong with what came. */
function refusalOf(error: unknown, reply: FastifyReply, needed: AccessScope, access: AccessControl): Error {
  if (!(error instanceof AccessRefused)) return error as Error
  access.count(error.code)
  const realm = 'Bearer realm="day7"'
  if (error.statusCode === 401)
    reply.header(
      'www-authenticate',
      error.code === 'CREDENTIALS_MISSING' ? realm : `${realm}, error="invalid_token"`,
    )
  if (error.statusCode === 403)
    reply.header('www-authenticate', `${realm}, error="insufficient_scope", scope="${needed}"`)
  return error
}

function isPage({ url, method }: RouteOptions): boolean {
  const isRead = [method].flat().every((name) => name === 'GET' || name === 'HEAD')
  // A browser asks so what it may send, without any key; the answer holds nothing else.
  const isPreflight = method === 'OPTIONS' && url === '*'
  return isPreflight || (isRead && PAGES.some((page) => url === page || url.startsWith(`${page}/`)))
}

function securityOf(scope: Scope): readonly Readonly<Record<string, readonly string[]>>[] {
  if (scope === 'open') return []
  const needed = scope === 'metrics' ? 'read' : scope
  const either = [{ bearer: [needed] }, { apiKey: [needed] }]
  return scope === 'metrics' ? [{}, ...either] : either
}
