/**
 * Traces: what a collector gets from a real service, that nobody waits for a collector, and that without one there is nothing of it.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { ROOT_CONTEXT, trace, TraceFlags } from '@opentelemetry/api'
import t, { type Test } from 'tap'
import { samplerOf } from '../src/tracing/sampler.ts'
import { EXAMPLE } from './example.ts'
import { dataFolder, startService } from './service.ts'
import { logSettings } from './shared-postgres.ts'
import { until } from './until.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const PARENT_ID = 'b7ad6b7169203331'

interface Span {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly status: { readonly code: number; readonly message?: string }
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[]
}

/** Takes traces as OTLP over HTTP has them, in JSON. */
async function startCollector(t: Test, answer: 'yes' | 'never' = 'yes') {
  const spans: Span[] = []
  const resources: unknown[] = []
  const requests: { readonly url: string; readonly headers: unknown }[] = []
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const chunk of request) text += String(chunk)
    requests.push({ url: request.url!, headers: request.headers })
    for (const { resource, scopeSpans } of JSON.parse(text).resourceSpans) {
      resources.push(attributesOf(resource))
      for (const scope of scopeSpans) spans.push(...scope.spans)
    }
    if (answer === 'yes') response.setHeader('content-type', 'application/json').end('{}')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, resources, requests }
}

const attributesOf = ({ attributes }: Pick<Span, 'attributes'>): Record<string, unknown> =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, Object.values(value)[0]]))

/** Bytes that are not in the database yet. */
async function waiting(url: string): Promise<number> {
  const health = (await (await fetch(`${url}/health`)).json()) as { prediction_log: { spool_bytes: number } }
  return health.prediction_log.spool_bytes
}

const post = (url: string, body: unknown, headers: Record<string, string> = {}) =>
  fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

t.test('a request, its prediction, the spool and the database are spans of one trace', async (t) => {
  const collector = await startCollector(t)
  const service = await startService(t, {
    ...(await logSettings(t)),
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=studio%207',
    OTEL_SERVICE_NAME: 'day7-test',
    OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
  })
  const traceparent = `00-${TRACE_ID}-${PARENT_ID}-01`
  const { prediction_id, model } = (await (
    await post(`${service.url}/predict`, EXAMPLE, { traceparent })
  ).json()) as { prediction_id: string; model: { version: string; variant: string } }
  await post(`${service.url}/predict`, { ...EXAMPLE, country: 7, source: 'secret-2' })
  await post(`${service.url}/predict?key=secret-1`, EXAMPLE)
  await fetch(`${service.url}/nowhere/secret-3`)
  await until('all is in the database', async () => (await waiting(service.url)) === 0)
  t.equal(await service.stop(), 0)

  const named = (name: string) => collector.spans.filter((span) => span.name === name)
  const [request, refused] = named('POST /predict')
  t.match(request, { traceId: TRACE_ID, parentSpanId: PARENT_ID, kind: 2, status: { code: 0 } })
  t.match(attributesOf(request!), {
    'http.request.method': 'POST',
    'http.route': '/predict',
    'url.path': '/predict',
    'http.response.status_code': 200,
    'day7.request.id': TRACE_ID,
    'day7.prediction.id': prediction_id,
    'day7.predictions': 1,
    'day7.model.version': model.version,
    'day7.model.variant': model.variant,
  })
  const handler = named('handler').find(({ traceId }) => traceId === TRACE_ID)
  t.equal(handler!.parentSpanId, request!.spanId)
  for (const name of ['predict', 'spool append'])
    t.match(named(name), [{ traceId: TRACE_ID, parentSpanId: handler!.spanId }], name)
  t.ok(named('database ship').length >= 1)

  t.match(refused!.status, { code: 0 }, 'what was refused is no error of the server’s')
  t.equal(attributesOf(refused!)['day7.error.code'], 'FST_ERR_VALIDATION')
  t.not(refused!.traceId, TRACE_ID)
  t.equal(collector.spans.filter(({ name }) => name.includes('health')).length, 0)
  t.notMatch(JSON.stringify(collector.spans), /secret/)

  t.match(collector.resources[0], {
    'service.name': 'day7-test',
    'service.version': String,
    'deployment.environment.name': 'test',
  })
  t.match(collector.requests[0], { url: '/v1/traces', headers: { 'x-tenant': 'studio 7' } })
  const lines = service.logged.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'request')
  t.match(lines[0], { reqId: TRACE_ID, traceId: TRACE_ID, predictionId: prediction_id })
  t.match(lines[1], { traceId: refused!.traceId, status: 400 })
})

t.test('nobody waits for a collector that does not answer', async (t) => {
  const deaf = await startCollector(t, 'never')
  const service = await startService(t, {
    DATABASE_URL: 'off',
    DATA_DIR: dataFolder(t),
    SHUTDOWN_GRACE_MS: '1500',
    OTEL_EXPORTER_OTLP_ENDPOINT: deaf.url,
    LOG_REQUESTS: 'all',
  })
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => (await post(`${service.url}/predict`, EXAMPLE)).status),
  )
  t.same(new Set(statuses), new Set([200]))
  t.equal(await service.stop(), 0, 'closed within the grace, or it would not end well')
  const lines = service.logged.filter((line) => line.includes('"msg":"request"'))
  t.equal(lines.length, 200, 'lines that are written together are all there at the end')
})

t.test('without a collector nothing of it is loaded; with one that is away, it is said once', async (t) => {
  // prom-client has @opentelemetry/api, for exemplars.
  const watch = `
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) {
      if (/@opentelemetry\\/(?!api\\/)|@fastify\\/otel|src\\/tracing/.test(url)) console.log('loaded ' + url)
      return next(url, context)
    } })`
  const loggedWith = async (environment: Record<string, string>) => {
    const service = await startService(t, {
      DATABASE_URL: 'off',
      DATA_DIR: dataFolder(t),
      SHUTDOWN_GRACE_MS: '1500',
      NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(watch)}`,
      ...environment,
    })
    t.equal((await post(`${service.url}/predict`, EXAMPLE)).status, 200)
    t.equal(await service.stop(), 0)
    return service.logged
  }
  const loaded = (lines: readonly string[]) => lines.filter((line) => line.startsWith('loaded '))
  t.same(loaded(await loggedWith({})), [])
  const away = await loggedWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' })
  t.ok(loaded(away).length > 10, 'the hook sees what is loaded')
  t.equal(away.filter((line) => line.includes('traces: the collector does not take them')).length, 1)
})

t.test('samplers by their names', (t) => {
  const kept = (name: Parameters<typeof samplerOf>[0], ratio: number, parent: boolean | null) => {
    const flags = parent ? TraceFlags.SAMPLED : TraceFlags.NONE
    const context =
      parent === null
        ? ROOT_CONTEXT
        : trace.setSpanContext(ROOT_CONTEXT, {
            traceId: TRACE_ID,
            spanId: PARENT_ID,
            traceFlags: flags,
            isRemote: true,
          })
    return samplerOf(name, ratio).shouldSample(context, TRACE_ID, 'x', 1, {}, []).decision === 2
  }
  for (const [name, ratio, root, ofSampled, ofOther] of [
    ['always_on', 0, true, true, true],
    ['always_off', 1, false, false, false],
    ['traceidratio', 1, true, true, true],
    ['traceidratio', 0, false, false, false],
    ['parentbased_always_on', 0, true, true, false],
    ['parentbased_always_off', 1, false, true, false],
    ['parentbased_traceidratio', 1, true, true, false],
    ['parentbased_traceidratio', 0, false, true, false],
  ] as const)
    t.same(
      [null, true, false].map((parent) => kept(name, ratio, parent)),
      [root, ofSampled, ofOther],
      `${name} ${ratio}`,
    )
  t.end()
})
