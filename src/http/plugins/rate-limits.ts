/**
 * Refuses who asks too often: a caller that access control knows by his name, any other by his address. An address whose keys or tokens
 * were refused too often is refused before it is asked for another. Every answer within a limit says what is left of it.
 */
import { isIP } from 'node:net'
import rateLimit, { type FastifyRateLimitStoreCtor, normalizeIP } from '@fastify/rate-limit'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { MemoryCounts, type Refusals, type RequestCounts } from '../../limits/index.ts'
import { isEssential } from './essential.ts'

/** At most so many requests in so much time. */
export interface Rate {
  readonly max: number
  readonly windowMs: number
}

export interface RateLimits {
  /** Null: no limit. */
  readonly perKey: Rate | null
  readonly perAddress: Rate | null
}

type By = 'key' | 'address'

/**
 * Comes before access control: what it refuses is seen here. Requests are counted after it, when it is known who asks.
 */
export async function limitRates(
  app: FastifyInstance,
  counts: RequestCounts,
  refusals: Pick<Refusals, 'limit'>,
  { perKey, perAddress }: RateLimits,
): Promise<void> {
  if (!perKey && !perAddress) return
  await app.register(rateLimit, { global: false, store: storeOf(counts) })
  const limit = { key: limiter('key', perKey), address: limiter('address', perAddress) }
  if (perAddress)
    refuseFailing(app, perAddress, (reply, ttlMs) => refuse('address', reply, perAddress, ttlMs))

  const count = async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    if (!isEssential(request)) await limit[request.caller ? 'key' : 'address']?.(request, reply)
  }
  // Hooks of a route come after those of the app, and so after access control.
  app.addHook('onRoute', (route) => {
    const others = [route.onRequest ?? []].flat().filter((hook) => hook !== count) // of a GET they are HEAD's as well
    route.onRequest = [count, ...others]
  })
  app.addHook('onRequest', async (request, reply) => {
    if (request.is404) await count(request, reply)
  })

  function limiter(by: By, rate: Rate | null) {
    if (!rate) return null
    const check = app.createRateLimit({
      max: rate.max,
      timeWindow: rate.windowMs,
      keyGenerator: nameOfCaller,
    })
    return async (request: FastifyRequest, reply: FastifyReply): Promise<void> => {
      const result = await check(request)
      if (result.isAllowed) return
      describeLimit(reply, by, rate, result.remaining, result.ttlInSeconds)
      if (result.isExceeded) refuse(by, reply, rate, result.ttl)
    }
  }

  function refuse(by: By, reply: FastifyReply, rate: Rate, ttlMs: number): never {
    refusals.limit(by)
    describeLimit(reply, by, rate, 0, Math.ceil(ttlMs / 1000))
    reply.header('retry-after', Math.max(1, Math.ceil(ttlMs / 1000)))
    const whose = by === 'key' ? 'of this caller' : 'of this address'
    throw Object.assign(
      new Error(`expected at most ${rate.max} requests ${whose} in ${rate.windowMs / 1000} s, got more`),
      { statusCode: 429, code: 'RATE_LIMITED' },
    )
  }
}

/** What access control refuses never reaches the count of the route. */
function refuseFailing(
  app: FastifyInstance,
  { max, windowMs }: Rate,
  refuse: (reply: FastifyReply, ttlMs: number) => never,
): void {
  const failures = new MemoryCounts()
  app.addHook('onRequest', (request, reply, done) => {
    const { current, ttl } = failures.peek(addressOf(request))
    if (current >= max && !isEssential(request)) refuse(reply, ttl)
    done()
  })
  app.addHook('onResponse', (request, reply, done) => {
    if (reply.statusCode === 401) failures.add(addressOf(request), windowMs)
    done()
  })
}

/**
 * The fields of draft-ietf-httpapi-ratelimit-headers, as it is now (`RateLimit`, `RateLimit-Policy`) and as it was up to its seventh
 * version, which is what clients know.
 */
function describeLimit(
  reply: FastifyReply,
  by: By,
  { max, windowMs }: Rate,
  remaining: number,
  resetS: number,
): void {
  reply.headers({
    'ratelimit-policy': `"${by}";q=${max};w=${windowMs / 1000}`,
    ratelimit: `"${by}";r=${remaining};t=${resetS}`,
    'ratelimit-limit': max,
    'ratelimit-remaining': remaining,
    'ratelimit-reset': resetS,
  })
}

/** By whom a request is counted. */
export const nameOfCaller = (request: FastifyRequest): string =>
  request.caller ? `key ${request.caller.id}` : `address ${addressOf(request)}`

/**
 * An IPv6 address stands for its /64: a caller has all of it. Some proxies write the port behind the address. What is no address (there is
 * none any more where the client is gone) counts as one caller.
 */
function addressOf({ ip }: FastifyRequest): string {
  const address = /^\[(.*)\](?::\d+)?$|^([\d.]+):\d+$/.exec(ip ?? '')
  const plain = address?.[1] ?? address?.[2] ?? ip ?? ''
  return isIP(plain) === 0 ? 'unknown' : normalizeIP(plain)
}

function storeOf(counts: RequestCounts): FastifyRateLimitStoreCtor {
  return class Store {
    async incr(
      key: string,
      done: (error: Error | null, count?: { current: number; ttl: number }) => void,
      windowMs: number,
    ): Promise<void> {
      done(null, await counts.add(key, windowMs))
    }
    child(): Store {
      return this
    }
  }
}
