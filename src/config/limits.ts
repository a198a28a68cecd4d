/**
 * How often one caller may ask, what a connection may cost, and when work is refused.
 */
import { isIP } from 'node:net'
import type { Reader, Setting } from './setting.ts'

export interface LimitsConfig {
  readonly rateLimits: {
    /** Null: no limit. */
    readonly perKey: RateConfig | null
    readonly perAddress: RateConfig | null
  }
  /** Networks whose X-Forwarded-For is believed, or how many proxies stand before the service; 0: none. */
  readonly trustProxy: readonly string[] | number
  readonly connections: {
    readonly max: number
    readonly maxHeaderBytes: number
    readonly headersTimeoutMs: number
    readonly requestTimeoutMs: number
    readonly stallTimeoutMs: number
    readonly keepAliveTimeoutMs: number
  }
  /** 0: nothing is refused. */
  readonly shedEventLoopDelayMs: number
  readonly liveStreamsPerCaller: number
}

export interface RateConfig {
  readonly max: number
  readonly windowMs: number
}

export const LIMIT_SETTINGS = [
  {
    name: 'RATE_LIMIT_PER_KEY',
    default: '',
    description:
      'Most requests of one caller with a key or a token: `50` or `50/second`, `3000/minute`, `/hour`, `/day`. Empty: no limit.',
  },
  {
    name: 'RATE_LIMIT_PER_ADDRESS',
    default: '',
    description:
      'The same for one address without either, refused keys and tokens included. An IPv6 address is its /64. Empty: no limit.',
  },
  {
    name: 'TRUST_PROXY',
    default: '',
    description:
      'Proxies whose `X-Forwarded-For` is believed: addresses and networks between commas (`10.0.0.0/8,loopback`), or how many there are in a row. Empty: none.',
  },
  {
    name: 'MAX_CONNECTIONS',
    default: '10000',
    description: 'Most connections at a time; further ones are closed at once.',
  },
  {
    name: 'MAX_HEADER_BYTES',
    default: '16384',
    description: 'Largest head of a request, its URL included; a larger one gets 431.',
  },
  {
    name: 'HEADERS_TIMEOUT_MS',
    default: '10000',
    description: 'Time for the head of a request to arrive; then the connection gets 408 and is closed.',
  },
  {
    name: 'REQUEST_TIMEOUT_MS',
    default: '600000',
    description: 'Time for all of a request to arrive, its body included, a stream’s too; as above.',
  },
  {
    name: 'STALL_TIMEOUT_MS',
    default: '120000',
    description: 'A connection with an open request on which nothing moves for so long is closed.',
  },
  {
    name: 'KEEP_ALIVE_TIMEOUT_MS',
    default: '72000',
    description:
      'A connection without a request is closed after this; longer than the proxy before the service keeps it.',
  },
  {
    name: 'LIVE_STREAMS_PER_CALLER',
    default: '20',
    description:
      'Most event streams (`/stats/live`, one for each open dashboard) of one key, or of one address without a key, in one process; a further one gets 429. A hundred are open at most.',
  },
  {
    name: 'SHED_EVENT_LOOP_DELAY_MS',
    default: '7',
    description:
      'When requests wait this long for the event loop on average, those that are too many get 503. `0`: none do.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof LIMIT_SETTINGS)[number]['name']

export function readLimits(read: Reader<Name>): LimitsConfig {
  return {
    rateLimits: {
      perKey: rate(read, 'RATE_LIMIT_PER_KEY'),
      perAddress: rate(read, 'RATE_LIMIT_PER_ADDRESS'),
    },
    trustProxy: trustProxy(read),
    connections: {
      max: read.whole('MAX_CONNECTIONS', 1, 1_000_000),
      maxHeaderBytes: read.whole('MAX_HEADER_BYTES', 1024, 2 ** 20),
      headersTimeoutMs: read.whole('HEADERS_TIMEOUT_MS', 100, 600_000),
      requestTimeoutMs: read.whole('REQUEST_TIMEOUT_MS', 100, 3_600_000),
      stallTimeoutMs: read.whole('STALL_TIMEOUT_MS', 100, 3_600_000),
      keepAliveTimeoutMs: read.whole('KEEP_ALIVE_TIMEOUT_MS', 1, 3_600_000),
    },
    liveStreamsPerCaller: read.whole('LIVE_STREAMS_PER_CALLER', 1, 100),
    shedEventLoopDelayMs: read.whole('SHED_EVENT_LOOP_DELAY_MS', 0, 10_000),
  }
}

const WINDOWS_MS: Readonly<Record<string, number>> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

function rate(read: Reader<Name>, name: 'RATE_LIMIT_PER_KEY' | 'RATE_LIMIT_PER_ADDRESS'): RateConfig | null {
  const value = read.text(name)
  if (value === '') return null
  const [, max, unit = 'second'] = /^([1-9]\d{0,8})(?:\/(second|minute|hour|day))?$/.exec(value) ?? []
  if (max === undefined)
    read.fault(name, `expected N, or N/${Object.keys(WINDOWS_MS).join(', N/')}, got "${value}"`)
  return { max: Number(max), windowMs: WINDOWS_MS[unit]! }
}

const NETWORK_NAMES = ['loopback', 'linklocal', 'uniquelocal']
const MAX_PROXIES = 20

function trustProxy(read: Reader<Name>): readonly string[] | number {
  const value = read.text('TRUST_PROXY')
  if (value === '') return 0
  if (/^\d+$/.test(value)) {
    if (Number(value) > MAX_PROXIES)
      read.fault('TRUST_PROXY', `expected at most ${MAX_PROXIES} proxies, got ${value}`)
    return Number(value)
  }
  const networks = value.split(',').map((part) => part.trim())
  for (const network of networks.filter((network) => !isNetwork(network)))
    read.fault(
      'TRUST_PROXY',
      `expected addresses and networks such as 10.0.0.0/8, ${NETWORK_NAMES.join(', ')}, or a number, got "${network}"`,
    )
  return networks
}

/** `address` or `address/bits`. */
function isNetwork(text: string): boolean {
  if (NETWORK_NAMES.includes(text)) return true
  const [, address = '', bits = '0'] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const version = isIP(address)
  return version !== 0 && Number(bits) <= (version === 4 ? 32 : 128)
}
