/**
 * Protection of a service without authentication from web pages of others. DNS rebinding: a page points a name of its own at this service, and the
 * browser then takes the service for a part of the page. So the Host of a request has to be a name that is known here, or an IP address, which no page can
 * claim.
 *
 * A browser sends some requests of a page to other sites without asking first (CSRF). It names the page in Origin, and requests of unknown pages that change
 * something are refused.
 */
import { isIP } from 'node:net'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { AccessControl } from '../../access/index.ts'

export interface HostPolicy {
  /** Where the service listens. */
  readonly host: string
  /** In lower case; `*`: all. */
  readonly allowedHosts: readonly string[] | '*'
  /** Origins whose pages may ask; `*`: all. */
  readonly corsOrigins: readonly string[] | '*'
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])

export function expectKnownHosts(
  app: FastifyInstance,
  access: Pick<AccessControl, 'isEnforced'>,
  { host, allowedHosts, corsOrigins }: HostPolicy,
): void {
  if (allowedHosts === '*') return
  const names = new Set(['localhost', host.toLowerCase(), ...allowedHosts])
  const isKnown = (authority: string): boolean => {
    const name = nameOf(authority)
    return name !== null && (names.has(name) || name.endsWith('.localhost') || isIP(name) !== 0)
  }
  app.addHook('onRequest', (request, _reply, done) => {
    if (access.isEnforced()) return done()
    const stranger = authoritiesOf(request).find((authority) => !isKnown(authority))
    if (stranger !== undefined) return done(notHere(stranger))
    const { origin } = request.headers
    if (origin === undefined || READING.has(request.method) || corsOrigins === '*') return done()
    const isOurs = corsOrigins.includes(origin) || isKnown(URL.parse(origin)?.host ?? '')
    return done(isOurs ? undefined : notForPage(origin))
  })
}

/** RFC 9112, 3.2.2: an absolute target counts in place of the header; here both have to be known. HTTP/1.0 may have neither. */
function authoritiesOf({ raw, headers }: FastifyRequest): string[] {
  const target = raw.url ?? '/'
  const named = headers.host === undefined ? [] : [headers.host]
  if (target.startsWith('/') || target === '*') return named
  return [...named, /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#]*@)?([^/?#]*)/i.exec(target)?.[1] ?? target]
}

/** `Name.Example.:80` → `name.example`; null: none. */
function nameOf(authority: string): string | null {
  const [, address, name] = /^(?:\[([\da-f:.]+)\]|([^:[\]@/\s]+))(?::\d*)?$/i.exec(authority) ?? []
  return address ?? name?.toLowerCase().replace(/\.$/, '') ?? null
}

const shown = (text: string): string => JSON.stringify(text.slice(0, 100))

const notHere = (authority: string) =>
  Object.assign(
    new Error(
      `Host: expected localhost, an IP address, HOST or one of ALLOWED_HOSTS, got ${shown(authority)}`,
    ),
    { statusCode: 421, code: 'HOST_NOT_ALLOWED' },
  )

const notForPage = (origin: string) =>
  Object.assign(
    new Error(`Origin: expected a page of this service or one of CORS_ORIGINS, got one of ${shown(origin)}`),
    { statusCode: 403, code: 'ORIGIN_NOT_ALLOWED' },
  )
