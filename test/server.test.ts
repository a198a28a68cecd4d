/**
 * The service as its users meet it: a real process, with the embedded database, with a real server, and with none.
 */
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { EXAMPLE } from './example.ts'
import { createPostgresServer } from './postgres-server.ts'
import { dataFolder, PASSED_ON, type ServiceProcess, startService, untilReady } from './service.ts'
import { until } from './until.ts'

const get = async (service: ServiceProcess, path: string) =>
  (await fetch(service.url + path)).json() as Promise<any>

const predict = async (service: ServiceProcess, body: unknown = EXAMPLE) => {
  const headers = { 'content-type': 'application/json' }
  const response = await fetch(`${service.url}/predict`, {
    method: 'POST',
    headers,
    body: JSON.stringify(body),
  })
  return (await response.json()) as any
}

const counted = (service: ServiceProcess, total: number): Promise<any> =>
  until(`${total} predictions are counted`, async () => {
    const stats = await get(service, '/stats')
    return stats.total_predictions === total && stats
  })

t.test('from nothing: predict, count, restart, count again; a second one on the same folder', async (t) => {
  const environment = { DATA_DIR: dataFolder(t) }
  const first = await startService(t, environment)
  await untilReady(first.url)
  t.match(await get(first, '/health/ready'), { status: 'ok' }, 'ready means that the database is open')
  const answer = await predict(first)
  t.type(answer.predicted_revenue, 'number')
  t.ok(answer.predicted_revenue > 0)
  const stats = await counted(first, 1)
  t.match(stats, { platform_distribution: { ios: 1 }, top_countries: [{ country: 'es', count: 1 }] })
  t.equal(stats.avg_predicted_revenue, answer.predicted_revenue)
  t.equal(stats.first_prediction, answer.timestamp)
  t.match(await get(first, '/health/ready'), {
    status: 'ok',
    checks: { prediction_log: { state: 'shipping' } },
  })

  await predict(first)
  t.equal(await first.stop(), 0, 'SIGTERM ends it well, with what it still had to write')

  const second = await startService(t, environment)
  t.equal((await predict(second)).predicted_revenue, answer.predicted_revenue)
  await counted(second, 3)
  t.equal(await second.stop('SIGKILL'), 'SIGKILL')

  const third = await startService(t, environment)
  await counted(third, 3)
  const beside = await startService(t, environment)
  t.ok((await predict(beside)).predicted_revenue > 0, 'it predicts, and says why it cannot log')
  const log = await until('the one beside it backs off', async () => {
    const { prediction_log: log } = await get(beside, '/health')
    return log.state === 'backing-off' && log
  })
  t.match(log.last_error, /in use by another process/)
  t.equal(await third.stop('SIGINT'), 0)
  await counted(beside, 4) // it takes over
  t.equal(await beside.stop(), 0)
})

t.test('a PostgreSQL server that comes, goes and returns', async (t) => {
  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  await server.stop()
  const service = await startService(t, { DATABASE_URL: server.url, DATA_DIR: dataFolder(t) })
  const ready = (state: string) =>
    until(`the log is ${state}`, async () => {
      const body = await get(service, '/health/ready')
      return body.checks?.prediction_log.state === state && body
    })
  t.match(await ready('backing-off'), {
    status: 'degraded',
    checks: { prediction_log: { last_error: 'ECONNREFUSED' } },
  })
  t.ok((await predict(service)).predicted_revenue > 0, 'it predicts without its database')
  t.equal((await get(service, '/stats')).statusCode, 503)

  await server.start()
  t.match(await ready('shipping'), { status: 'ok' })
  await counted(service, 1)
  await server.stop()
  await predict(service)
  await ready('backing-off')
  await server.start()
  await counted(service, 2)
  t.equal(await service.stop(), 0)
})

t.test('without a log', async (t) => {
  const service = await startService(t, { DATABASE_URL: 'off' })
  t.ok((await predict(service)).predicted_revenue > 0)
  t.match(await get(service, '/health/ready'), { status: 'ok', checks: { prediction_log: { state: 'off' } } })
  t.match((await get(service, '/stats')).message, /switched off/)
  t.equal(await service.stop(), 0)
})

t.test('what prevents the start is said', (t) => {
  const start = (environment: Record<string, string>) => {
    const { status, stderr } = spawnSync(process.execPath, ['src/server.ts'], {
      env: { ...PASSED_ON, ...environment },
      encoding: 'utf8',
    })
    return [status, stderr] as const
  }
  t.match(start({ PORT: 'x', LOG_LEVEL: 'loud' }), [2, /2 fault.*PORT: expected.*LOG_LEVEL: expected/s])
  t.match(start({ MODEL_DIR: 'nowhere' }), [1, /^bundle nowhere, manifest.json: ENOENT/])
  t.end()
})

t.test('a port that is taken', async (t) => {
  const first = await startService(t, { DATA_DIR: dataFolder(t), DATABASE_URL: 'off' })
  const { port } = new URL(first.url)
  const { status, stdout, stderr } = spawnSync(process.execPath, ['src/server.ts'], {
    encoding: 'utf8',
    env: { ...PASSED_ON, DATA_DIR: dataFolder(t), DATABASE_URL: 'off', PORT: port },
  })
  t.equal(status, 1)
  t.match(stdout + stderr, `PORT: expected a free port of 127.0.0.1, ${port} is taken`)
  await first.stop()
})
