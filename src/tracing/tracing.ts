/**
 * Requests and what they wait for → OpenTelemetry's spans, sent in batches to a collector over OTLP. This room is loaded only where there
 * is a collector. One that is away costs memory for some thousand spans and a line a minute; nothing waits for it.
 *
 * A span never holds what a caller sent: no query, no path with his values, no message of a refusal.
 */
import { FastifyOtelInstrumentation } from '@fastify/otel'
import { context, diag, DiagLogLevel, SpanStatusCode, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node'
import type { FastifyPluginCallback, FastifyRequest } from 'fastify'
import type { TracingConfig } from '../config/index.ts'
import { samplerOf } from './sampler.ts'

export interface Tracing {
  /** To be registered before any route. */
  readonly plugin: FastifyPluginCallback
  /** Says something of the request, on its span. */
  annotate(request: FastifyRequest, attributes: Readonly<Record<string, string | number>>): void
  /** Null for a request without a trace. */
  traceIdOf(request: FastifyRequest): string | null
  /** A span inside of the one that is under way, if any. @returns ends it */
  readonly startSpan: (name: string) => (error?: unknown) => void
  /** Sends what is left, for at most that long. */
  close(graceMs: number): Promise<void>
}

export interface TracingLogger {
  warn(details: object, message: string): void
}

/** Nobody traces the answers to a probe. */
const UNTRACED = /^\/(health|metrics|docs)(\/|\?|$)/
/** Of the spans that are begun here. */
const OWN_SCOPE = 'day7'
const EXPORT_TIMEOUT_MS = 5_000
const SAY_EVERY_MS = 60_000

export function startTracing(config: TracingConfig, version: string, logger: TracingLogger): Tracing {
  const say = seldom((fault) => logger.warn({ fault }, 'traces: the collector does not take them'))
  diag.setLogger(
    { error: say, warn: silent, info: silent, debug: silent, verbose: silent },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  )
  const exporter = new OTLPTraceExporter({
    url: `${config.endpoint}/v1/traces`,
    headers: { ...config.headers },
    timeoutMillis: EXPORT_TIMEOUT_MS,
  })
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      'service.version': version,
      ...config.resourceAttributes,
      'service.name': config.serviceName,
    }),
    sampler: samplerOf(config.sampler, config.samplerRatio),
    spanProcessors: [new TellsNothingOfCallers(), new BatchSpanProcessor(exporter)],
  })
  provider.register()
  const tracer = provider.getTracer(OWN_SCOPE, version)
  return {
    plugin: instrumentationOf(provider).plugin(),
    annotate: (request, attributes) => void request.opentelemetry().span?.setAttributes(attributes),
    traceIdOf: (request) => {
      const { context } = request.opentelemetry()
      return (context && trace.getSpanContext(context)?.traceId) ?? null
    },
    startSpan(name) {
      const span = tracer.startSpan(name, {}, context.active())
      return (error) => {
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: String(error) })
        span.end()
      }
    },
    async close(graceMs) {
      const { promise: late, resolve } = Promise.withResolvers<string>()
      const timer = setTimeout(resolve, graceMs, 'the time to close is over')
      const fault = await Promise.race([provider.shutdown().catch(String), late])
      clearTimeout(timer)
      if (fault) say(fault)
    },
  }
}

function instrumentationOf(provider: NodeTracerProvider): FastifyOtelInstrumentation {
  const instrumentation = new FastifyOtelInstrumentation({
    instrumentHooks: false,
    recordExceptions: false,
    ignorePaths: ({ url }) => UNTRACED.test(url),
    requestHook(span, request) {
      const route = request.routeOptions.url ?? ''
      span.updateName(route ? `${request.method} ${route}` : request.method)
      span.setAttribute('url.path', route)
    },
    lifecycleHook: (span, { hookName }) => void span.updateName(hookName),
  })
  instrumentation.setTracerProvider(provider)
  return instrumentation
}

/**
 * What was refused is no error of the server's (OpenTelemetry's conventions for HTTP). And messages of errors name what came, so they
 * stay here.
 */
class TellsNothingOfCallers {
  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    if (span.instrumentationScope.name === OWN_SCOPE) return
    const status = Number(span.attributes['http.response.status_code'])
    const isRefusal = status >= 400 && status < 500
    Object.assign(span, { status: { code: isRefusal ? SpanStatusCode.UNSET : span.status.code } })
  }

  async forceFlush(): Promise<void> {}

  async shutdown(): Promise<void> {}
}

/** The first one, and then one a minute. */
function seldom(say: (message: string) => void): (message: string) => void {
  let saidMs = -Infinity
  return (message) => {
    if (performance.now() - saidMs < SAY_EVERY_MS) return
    saidMs = performance.now()
    say(message)
  }
}

const silent = (): void => {}
