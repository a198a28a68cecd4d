/**
 * `WORKERS=2`: two processes on one port, as their users and their operator meet them.
 */
import { spawnSync } from 'node:child_process'
import { Agent, get, request } from 'node:http'
import { text } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { EXAMPLE } from '../example.ts'
import { startLoad } from '../faults/load.ts'
import { PASSED_ON, type ServiceProcess, startService } from '../service.ts'
import { logSettings, withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'

/** Over a connection of its own: workers take turns. */
async function fetchAlone(
  url: string,
  key?: string,
  body?: unknown,
): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', ...(key && { 'idempotency-key': key }) }
    const outgoing = request(
      url,
      { agent: new Agent(), method: body ? 'POST' : 'GET', headers },
      (response) => text(response).then((text) => resolve({ status: response.statusCode!, text }), reject),
    )
    outgoing.on('error', reject)
    outgoing.end(body && JSON.stringify(body))
  })
}

async function metric({ url }: ServiceProcess, name: string): Promise<number> {
  const { text } = await fetchAlone(`${url}/metrics`)
  const lines = text.split('\n').filter((line) => line.startsWith(`${name} `) || line.startsWith(`${name}{`))
  if (lines.length !== 1) throw new Error(`${name}: expected one line, got ${lines.length}`)
  return Number(lines[0]!.split(' ').at(-1))
}

/** In the order in which they began to listen. */
const workersOf = ({ logged }: ServiceProcess): number[] =>
  logged
    .filter((line) => line.includes('Server listening'))
    .map((line) => (JSON.parse(line) as { pid: number }).pid)

const said = (service: ServiceProcess, words: string, times = 1) =>
  until(`"${words}" in the log`, () => service.logged.filter((line) => line.includes(words)).length >= times)

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

t.test('two workers', async (t) => {
  const settings = await logSettings(t)
  const service = await startService(t, { ...settings, WORKERS: '2', SHUTDOWN_GRACE_MS: '120000' })
  await said(service, 'workers answer')
  const predict = `${service.url}/predict`
  let predictions = 0
  const spooled = () => metric(service, 'day7_log_spooled_total')

  await t.test('whoever is asked tells the figures of all', async (t) => {
    for (; predictions < 20; predictions++)
      t.equal((await fetchAlone(predict, undefined, EXAMPLE)).status, 200)
    t.equal(await spooled(), 20)
    t.equal(await spooled(), 20)
    t.equal(await metric(service, 'day7_workers'), 2)
    t.equal(await metric(service, 'day7_worker_restarts_total'), 0)
    t.equal(await metric(service, 'day7_model_info'), 1)
    t.equal(await metric(service, 'day7_log_state{state="shipping"}'), 1)
  })

  await t.test('they know each other’s first answers, also without Redis', async (t) => {
    const first = await fetchAlone(predict, 'key', EXAMPLE)
    for (let i = 0; i < 6; i++) t.same(await fetchAlone(predict, 'key', EXAMPLE), first)
    t.equal((await fetchAlone(predict, 'key', { ...EXAMPLE, event_1: 7 })).status, 422)
    t.equal(await metric(service, 'day7_idempotent_replays_total'), 6)
    predictions += 7
    t.equal(await spooled(), predictions)
  })

  await t.test('one that dies is replaced, and what it had counted counts', async (t) => {
    process.kill(workersOf(service)[0]!, 'SIGKILL')
    await said(service, 'Server listening', 3)
    await until('two workers', async () => (await metric(service, 'day7_workers')) === 2)
    t.equal(await metric(service, 'day7_worker_restarts_total'), 1)
    t.equal(await spooled(), predictions)
    t.ok(service.logged.some((line) => line.includes('a worker died') && line.includes('SIGKILL')))
  })

  await t.test('SIGHUP replaces them one by one, and no request fails', async (t) => {
    const old = workersOf(service).slice(1)
    const load = startLoad(() => service.url, 100)
    await until('there is load', () => load.answered.length >= 50)
    service.process.kill('SIGHUP')
    await said(service, 'all workers are new')
    const before = load.answered.length
    await until('the new ones answer', () => load.answered.length >= before + 50)
    await load.stop()
    t.equal(load.failures(), 0)
    t.same(old.filter(isAlive), [])
    t.equal(new Set(workersOf(service)).size, 5)
    t.equal(await spooled(), predictions + load.answered.length)
    t.equal(await metric(service, 'day7_worker_restarts_total'), 1, 'that was no death')
    predictions += load.answered.length
  })

  await t.test('SIGTERM ends all, with every answer sent and logged', async (t) => {
    const load = startLoad(() => service.url, 100)
    await until('there is load', () => load.answered.length >= 50)
    t.equal(await service.stop(), 0)
    await load.stop()
    t.same(workersOf(service).filter(isAlive), [])
    const [rows] = await withClient(
      settings.DATABASE_URL,
      (sql) => sql<[{ all: number; mine: number; counted: number }]>`
        select count(*)::int as all, (count(*) filter (where prediction_id = any(${load.answered})))::int as mine,
          (select sum(predictions)::int from prediction_totals where resolution = 'day') as counted
        from predictions`,
    )
    t.equal(rows.mine, load.answered.length)
    t.equal(rows.counted, rows.all)
    t.ok(
      rows.all >= predictions - 6 + load.answered.length,
      'all but six replays, which are no rows of their own',
    )
  })
})

t.test('what prevents the start is said once', (t) => {
  const { status, stderr } = spawnSync(process.execPath, ['src/server.ts'], {
    env: { ...PASSED_ON, WORKERS: '3', DATABASE_URL: 'off', MODEL_DIR: 'nowhere', PORT: '0' },
    encoding: 'utf8',
  })
  t.equal(status, 1)
  t.match(stderr.trim().split('\n'), [
    /^bundle nowhere, manifest.json: ENOENT/,
    'the service did not start: its first worker ended with code 1',
  ])
  t.equal(stderr.trim().split('\n').length, 2)
  t.end()
})

t.test('told to stop: first it is not ready, then its port is closed', async (t) => {
  // A machine that is too slow to ask all this before the port is closed is given more time.
  let drainMs = 750
  await until('a drain that is long enough', () => isDrained(t, (drainMs *= 2)))
})

/** @returns false if the port was closed before all was asked */
async function isDrained(t: Test, drainMs: number): Promise<boolean> {
  const service = await startService(t, { DATABASE_URL: 'off', SHUTDOWN_DRAIN_MS: String(drainMs) })
  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => kept.destroy())
  const onKept = () =>
    new Promise<string | undefined>((resolve, reject) => {
      get(`${service.url}/health/live`, { agent: kept }, (response) => {
        response.resume().on('end', () => resolve(response.headers.connection))
      }).on('error', reject)
    })
  const predict = async () => (await fetchAlone(`${service.url}/predict`, undefined, EXAMPLE)).status
  const isRefused = async () => (await predict().catch(() => null)) === null
  t.equal((await fetchAlone(`${service.url}/health/ready`)).status, 200)
  t.equal(await onKept(), 'keep-alive')
  const stopped = service.stop()
  const stoppedAt = performance.now()
  await said(service, 'stopping')
  const asked = await Promise.all([
    fetchAlone(`${service.url}/health/ready`),
    fetchAlone(`${service.url}/health/live`),
    predict(),
  ]).catch(() => null)
  if (asked === null) {
    await stopped
    return false
  }
  const [ready, live, prediction] = asked
  t.match(ready, { status: 503, text: /"code":"STOPPING"/ })
  t.equal(live.status, 200)
  t.equal(prediction, 200, 'it answers all the same')
  await until('its port is closed', isRefused)
  t.ok(performance.now() - stoppedAt >= drainMs - 50, 'the port was open until the drain was over')
  t.equal(
    await onKept().catch(() => 'close'),
    'close',
    'the connection that was open before is answered, and told',
  )
  t.equal(await stopped, 0)
  return true
}
