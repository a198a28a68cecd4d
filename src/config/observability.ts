/**
 * What is told of requests, of drift, and where traces go. The names of the latter are OpenTelemetry's own.
 */
import type { Reader, Setting } from './setting.ts'

export interface ObservabilityConfig {
  readonly logRequests: LogRequests
  readonly logRequestsPerSecond: number
  readonly driftWindowMs: number
  /** Null: no traces are made. */
  readonly tracing: TracingConfig | null
}

/** Which requests get a line in the log. */
export type LogRequests = (typeof LOG_REQUESTS)[number]

export interface TracingConfig {
  /** Of an OTLP collector, without the path. */
  readonly endpoint: string
  readonly headers: Readonly<Record<string, string>>
  readonly serviceName: string
  readonly resourceAttributes: Readonly<Record<string, string>>
  readonly sampler: Sampler
  /** The share of traces that a sampler by ratio keeps. */
  readonly samplerRatio: number
}

export type Sampler = (typeof SAMPLERS)[number]

const LOG_REQUESTS = ['sampled', 'all', 'errors', 'off'] as const
const SAMPLERS = [
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
  'always_on',
  'always_off',
  'traceidratio',
] as const

export const OBSERVABILITY_SETTINGS = [
  {
    name: 'LOG_REQUESTS',
    default: 'sampled',
    description:
      'Requests that get a line in the log: `sampled` (all, up to `LOG_REQUESTS_PER_SECOND`, and one in a thousand beyond), `all`, `errors` (as `sampled`, but only statuses from 400), `off`.',
  },
  {
    name: 'LOG_REQUESTS_PER_SECOND',
    default: '50',
    description:
      'Lines a second before requests are sampled; as many again for statuses from 400, and for those from 500.',
  },
  {
    name: 'DRIFT_WINDOW_MINUTES',
    default: '60',
    description: 'Predictions of so long are compared with the training data.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_ENDPOINT',
    default: '',
    description:
      'OpenTelemetry collector that takes traces over HTTP, such as `http://127.0.0.1:4318`. Empty: no traces.',
  },
  {
    name: 'OTEL_EXPORTER_OTLP_HEADERS',
    default: '',
    description: 'Headers for it: `name=value,name=value`; values may be percent-encoded.',
    secret: true,
  },
  { name: 'OTEL_SERVICE_NAME', default: 'day7', description: 'What the service is called in traces.' },
  {
    name: 'OTEL_RESOURCE_ATTRIBUTES',
    default: '',
    description: 'More about it in traces: `name=value,name=value`.',
  },
  {
    name: 'OTEL_TRACES_SAMPLER',
    default: 'parentbased_always_on',
    description: `One of ${SAMPLERS.map((name) => `\`${name}\``).join(', ')}.`,
  },
  {
    name: 'OTEL_TRACES_SAMPLER_ARG',
    default: '1',
    description: 'Share of traces, 0 to 1, for a sampler by ratio.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof OBSERVABILITY_SETTINGS)[number]['name']

export function readObservability(read: Reader<Name>): ObservabilityConfig {
  return {
    logRequests: read.oneOf('LOG_REQUESTS', LOG_REQUESTS),
    logRequestsPerSecond: read.whole('LOG_REQUESTS_PER_SECOND', 1, 1_000_000),
    driftWindowMs: read.whole('DRIFT_WINDOW_MINUTES', 1, 100_000) * 60_000,
    tracing: readTracing(read),
  }
}

/** Nothing of it is read where there are no traces: the names are shared with other programs. */
function readTracing(read: Reader<Name>): TracingConfig | null {
  const endpoint = read.text('OTEL_EXPORTER_OTLP_ENDPOINT').replace(/\/+$/, '')
  if (endpoint === '') return null
  if (!/^https?:$/.test(URL.parse(endpoint)?.protocol ?? ''))
    read.fault('OTEL_EXPORTER_OTLP_ENDPOINT', 'expected http(s)://host:port, or nothing')
  return {
    endpoint,
    headers: pairs(read, 'OTEL_EXPORTER_OTLP_HEADERS'),
    serviceName: read.text('OTEL_SERVICE_NAME'),
    resourceAttributes: pairs(read, 'OTEL_RESOURCE_ATTRIBUTES'),
    sampler: read.oneOf('OTEL_TRACES_SAMPLER', SAMPLERS),
    samplerRatio: ratio(read),
  }
}

/** Headers may be secret: what came is not repeated. */
function pairs(read: Reader<Name>, name: Name): Readonly<Record<string, string>> {
  const text = read.text(name)
  if (text === '') return {}
  const found = text.split(',').map((pair) => /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair))
  try {
    return Object.fromEntries(found.map((pair) => [pair![1]!, decodeURIComponent(pair![2]!)]))
  } catch {
    read.fault(name, 'expected name=value,name=value')
    return {}
  }
}

function ratio(read: Reader<Name>): number {
  const text = read.text('OTEL_TRACES_SAMPLER_ARG')
  const value = Number(text)
  if (!/^\d*\.?\d+$/.test(text) || value > 1)
    read.fault('OTEL_TRACES_SAMPLER_ARG', `expected a number from 0 to 1, got "${text}"`)
  return value
}
