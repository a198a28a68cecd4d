/**
 * What browsers are told with every answer: helmet's headers, and whose pages may read the answers (CORS).
 *
 * helmet makes the same headers for every request, and makes them anew each time; so it is asked once, at the start.
 */
import cors from '@fastify/cors'
import helmet, { type FastifyHelmetOptions } from '@fastify/helmet'
import fastify, { type FastifyInstance } from 'fastify'

export interface BrowserPolicy {
  readonly corsOrigins: readonly string[] | '*'
  readonly securityHeaders: boolean
  /** Null: the one below. */
  readonly contentSecurityPolicy: string | null
  readonly hstsMaxAgeS: number
}

/**
 * Swagger UI sets styles at the elements. `upgrade-insecure-requests`, which helmet would add, breaks pages that are served over
 * plain HTTP: it is for whoever ends TLS to add.
 */
const CONTENT_SECURITY_POLICY = [
  "default-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'self'",
  "img-src 'self' data:",
  "object-src 'none'",
  "script-src-attr 'none'",
  "style-src 'self' 'unsafe-inline'",
].join('; ')

/** Of a preflight, until the browser asks again. */
const CORS_MAX_AGE_S = 600
const EXPOSED_HEADERS = ['retry-after', 'ratelimit', 'ratelimit-policy']

export async function shareWithPages(app: FastifyInstance, { corsOrigins }: BrowserPolicy): Promise<void> {
  if (corsOrigins.length === 0) return
  await app.register(cors, {
    origin: corsOrigins === '*' ? '*' : [...corsOrigins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    exposedHeaders: EXPOSED_HEADERS,
    maxAge: CORS_MAX_AGE_S,
    strictPreflight: false, // what is no preflight is answered as everywhere
  })
}

export async function sendSecurityHeaders(app: FastifyInstance, policy: BrowserPolicy): Promise<void> {
  if (!policy.securityHeaders) return
  const headers = await headersOfHelmet({
    contentSecurityPolicy: false,
    strictTransportSecurity: policy.hstsMaxAgeS > 0 && {
      maxAge: policy.hstsMaxAgeS,
      includeSubDomains: false, // which may be somebody else's
    },
  })
  headers['content-security-policy'] = policy.contentSecurityPolicy ?? CONTENT_SECURITY_POLICY
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers)
    done()
  })
}

async function headersOfHelmet(options: FastifyHelmetOptions): Promise<Record<string, string>> {
  const app = fastify()
  await app.register(helmet, options)
  app.get('/', (_request, reply) => reply.send())
  const { headers } = await app.inject('/')
  await app.close()
  const own = new Set(['content-length', 'date', 'connection'])
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      own.has(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  )
}
