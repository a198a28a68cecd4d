/**
 * `WORKERS=2`: two processes on one port, as their users and their operator meet them.
 */
import { spawnSync } from 'node:child_process'
import { Agent, get, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as delay } from 'node:timers/promises'
import postgres from 'postgres'
import t from 'tap'
import { EXAMPLE } from '../example.ts'
import { startLoad } from '../faults/load.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { dataFolder, type ServiceProcess, startService } from '../service.ts'

const MANY = { timeout: 180_000 }

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

async function said(service: ServiceProcess, words: string, times = 1): Promise<void> {
  for (let tries = 0; service.logged.filter((line) => line.includes(words)).length < times; tries++) {
    if (tries > 1_500) throw new Error(`the service does not say "${words}":\n${service.logged.join('\n')}`)
    await delay(20)
  }
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

t.test('two workers', MANY, async (t) => {
  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  const service = await startService(t, {
    WORKERS: '2',
    DATA_DIR: dataFolder(t),
    DATABASE_URL: server.url,
    SHUTDOWN_GRACE_MS: '20000',
  })
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
    while ((await metric(service, 'day7_workers')) < 2) await delay(20)
    t.equal(await metric(service, 'day7_worker_restarts_total'), 1)
    t.equal(await spooled(), predictions)
    t.ok(service.logged.some((line) => line.includes('a worker died') && line.includes('SIGKILL')))
  })

  await t.test('SIGHUP replaces them one by one, and no request fails', async (t) => {
    const old = workersOf(service).slice(1)
    const load = startLoad(() => service.url, 200)
    while (load.answered.length < 200) await delay(20)
    service.process.kill('SIGHUP')
    await said(service, 'all workers are new')
    await delay(500)
    await load.stop()
    t.equal(load.failures(), 0)
    t.same(old.filter(isAlive), [])
    t.equal(new Set(workersOf(service)).size, 5)
    t.equal(await spooled(), predictions + load.answered.length)
    t.equal(await metric(service, 'day7_worker_restarts_total'), 1, 'that was no death')
    predictions += load.answered.length
  })

  await t.test('SIGTERM ends all, with every answer sent and logged', async (t) => {
    const load = startLoad(() => service.url, 200)
    while (load.answered.length < 200) await delay(20)
    t.equal(await service.stop(), 0)
    await load.stop()
    t.same(workersOf(service).filter(isAlive), [])
    const sql = postgres(server.url, { max: 1, onnotice: () => {} })
    const [rows] = await sql<[{ all: number; mine: number; counted: number }]>`
      select count(*)::int as all, (count(*) filter (where prediction_id = any(${load.answered})))::int as mine,
        (select sum(predictions)::int from prediction_totals where resolution = 'day') as counted
      from predictions`
    await sql.end()
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
    env: { WORKERS: '3', DATABASE_URL: 'off', MODEL_DIR: 'nowhere', PORT: '0' },
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
  const service = await startService(t, { DATABASE_URL: 'off', SHUTDOWN_DRAIN_MS: '1500' })
  const kept = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => kept.destroy())
  const onKept = () =>
    new Promise<string | undefined>((resolve, reject) => {
      get(`${service.url}/health/live`, { agent: kept }, (response) => {
        response.resume().on('end', () => resolve(response.headers.connection))
      }).on('error', reject)
    })
  const predict = async () => (await fetchAlone(`${service.url}/predict`, undefined, EXAMPLE)).status
  t.equal((await fetchAlone(`${service.url}/health/ready`)).status, 200)
  t.equal(await onKept(), 'keep-alive')
  const stopped = service.stop()
  const stoppedAt = performance.now()
  await said(service, 'stopping')
  const ready = await fetchAlone(`${service.url}/health/ready`)
  t.match(ready, { status: 503, text: /"code":"STOPPING"/ })
  t.equal((await fetchAlone(`${service.url}/health/live`)).status, 200)
  t.equal(await predict(), 200, 'it answers all the same')
  while (await predict().catch(() => null)) await delay(20)
  t.ok(performance.now() - stoppedAt >= 1_450, 'the port was open until the drain was over')
  t.equal(await onKept(), 'close', 'the connection that was open before is answered, and told')
  t.equal(await stopped, 0)
})
