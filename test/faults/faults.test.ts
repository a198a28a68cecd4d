/**
 * The service when what it stands on fails: the short forms of `npm run test:faults`, disks, damaged files, and being told to stop.
 */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { LineBuffer } from '../../src/prediction-log/spool/line-buffer.ts'
import { smallDisk } from '../disks.ts'
import { EXAMPLE } from '../example.ts'
import { LONG } from '../long.ts'
import { recordOf } from '../prediction-log/records.ts'
import { dataFolder, type ServiceProcess, startService } from '../service.ts'
import { logSettings, newDatabase, withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'
import { freeze } from './freeze.ts'
import { startLoad } from './load.ts'
import { describe, storm, untilShipped } from './storm.ts'
import { describeSwaps, swaps } from './swaps.ts'
import { TRIALS } from './trials.ts'

const NOWHERE = 'postgres://nobody@127.0.0.1:1/none'

async function predict(service: ServiceProcess) {
  const response = await fetch(`${service.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(EXAMPLE),
  })
  return { status: response.status, headers: response.headers, body: (await response.json()) as any }
}

const healthOf = async (service: ServiceProcess) =>
  ((await (await fetch(`${service.url}/health`)).json()) as any).prediction_log

async function metric(service: ServiceProcess, name: string): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)![1])
}

/** Answers of a storm. */
const ENOUGH = 500
/** Of a service; a trial has up to three. */
const MOST_CONNECTIONS = 10
const ELSEWHERE = !LONG && 'npm run test:long does, and more of it npm run test:faults'

t.test('a storm: the database is killed three times, the service twice', async (t) => {
  const result = await storm(4, 300, ENOUGH)
  t.comment(describe(result))
  t.match(result, { lost: 0, duplicated: 0, miscounted: 0 })
  t.ok(result.answered >= ENOUGH)
})

for (const { title, skip, run } of TRIALS)
  t.test(title, { skip: ELSEWHERE || skip }, async (t) => {
    const result = await run(1)
    t.comment(describe(result))
    t.match(result, { lost: 0, duplicated: 0, miscounted: 0 })
    t.ok(result.connections <= MOST_CONNECTIONS * 3, `${result.connections} connections`)
  })

t.test('a database that freezes fails no request, and is caught up with', { skip: ELSEWHERE }, async (t) => {
  const { failures, answered, counted, grownBytes } = await freeze(3, 1)
  t.equal(failures, 0)
  t.equal(counted, answered)
  t.ok(grownBytes < 64 * 2 ** 20, `${grownBytes} bytes`)
})

t.test(
  'the model is swapped under load: no answer fails, and each is of one version',
  { skip: ELSEWHERE },
  async (t) => {
    const result = await swaps({ swaps: 3, perSecond: 500, warmUpS: 1, quietS: 1 })
    t.comment(describeSwaps(result))
    t.match(result, { failures: 0, mixed: 0, events: 4 })
    t.ok(result.byVersion['one']! > 100 && result.byVersion['two']! > 100)
  },
)

t.test('told to stop under load: every answer is sent, and everything is shipped', async (t) => {
  const settings = await logSettings(t)
  const service = await startService(t, { ...settings, SHUTDOWN_GRACE_MS: '120000' })
  const load = startLoad(() => service.url, 200)
  await until('there is load', () => load.answered.length >= 100)
  t.equal(await service.stop(), 0)
  await load.stop()
  const rows = await withClient(
    settings.DATABASE_URL,
    (sql) => sql`select prediction_id from predictions where prediction_id = any(${load.answered})`,
  )
  t.equal(rows.length, load.answered.length)
})

t.test('told to stop while the database is away: the spool keeps it all, for the next one', async (t) => {
  const folder = dataFolder(t)
  const service = await startService(t, {
    DATA_DIR: folder,
    DATABASE_URL: NOWHERE,
    SHUTDOWN_GRACE_MS: '1000',
  })
  for (let i = 0; i < 20; i++) t.equal((await predict(service)).status, 200)
  // It does not wait for the database, which never comes.
  t.equal(await service.stop(), 0)

  const next = await startService(t, { DATA_DIR: folder, DATABASE_URL: await newDatabase(t) })
  await untilShipped(next)
  t.equal(((await (await fetch(`${next.url}/stats`)).json()) as any).total_predictions, 20)
  t.equal(await next.stop(), 0)
})

t.test('a full disk', async (t) => {
  const disk = smallDisk(t, '1m')
  if (disk === null) return t.pass('no right to mount a disk here')
  await t.test('drop: predictions are answered, counted and said', async (t) => {
    const service = await startService(t, { DATA_DIR: disk.folder, DATABASE_URL: NOWHERE })
    await writeFile(join(disk.folder, 'filler'), Buffer.alloc(2 ** 20)).catch(() => {})
    while ((await healthOf(service)).dropped === 0) t.equal((await predict(service)).status, 200)
    t.match(await healthOf(service), { last_error: 'ENOSPC' })
    t.ok((await metric(service, 'day7_log_dropped_total')) > 0)
    t.equal(
      service.logged.filter((line) => line.includes('answered but not kept')).length,
      1,
      'once a minute',
    )
    t.ok(
      service.logged.some(
        (line) => line.includes('the spool cannot be written to') && line.includes('ENOSPC'),
      ),
    )
    await service.stop()
  })
  await t.test('reject: predictions are not answered', async (t) => {
    const service = await startService(t, {
      DATA_DIR: disk.folder,
      DATABASE_URL: NOWHERE,
      LOG_WHEN_FULL: 'reject',
    })
    let refused = await predict(service)
    while (refused.status === 200) refused = await predict(service)
    t.equal(refused.status, 503)
    t.match(refused.body, { code: 'PREDICTION_LOG_FULL', message: /ENOSPC/ })
    t.ok(Number(refused.headers.get('retry-after')) > 0)
    t.equal((await healthOf(service)).dropped, 0)
    await service.stop()
  })
})

t.test('a spool folder that turns read-only, and back', async (t) => {
  const disk = smallDisk(t, '4m')
  if (disk === null) return t.pass('no right to mount a disk here')
  const url = await newDatabase(t)
  disk.makeReadOnly()
  const service = await startService(t, { DATA_DIR: disk.folder, DATABASE_URL: url })
  t.equal((await predict(service)).status, 200, 'it predicts all the same')
  t.match(await healthOf(service), { dropped: 1, last_error: 'EROFS' })
  t.match(await (await fetch(`${service.url}/health`)).json(), { status: 'degraded' })
  disk.makeWritable()
  while ((await healthOf(service)).last_error !== null) t.equal((await predict(service)).status, 200)
  await untilShipped(service)
  const spooled = await metric(service, 'day7_log_spooled_total')
  t.ok(spooled > 0)
  t.equal(((await (await fetch(`${service.url}/stats`)).json()) as any).total_predictions, spooled)
  await service.stop()
})

t.test('damaged segments at the start', async (t) => {
  const folder = dataFolder(t)
  await mkdir(join(folder, 'spool'))
  const lines = new LineBuffer(null)
  for (let i = 0; i < 30; i++) lines.append(recordOf())
  const whole = Buffer.from(lines.take())
  const segment = (name: string, bytes: Buffer) =>
    writeFile(join(folder, 'spool', `${name}-000001.v2.segment`), bytes)
  await segment('doubled', Buffer.concat([whole, whole]))
  await segment('truncated', whole.subarray(0, whole.length - 20))
  await segment('random', Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)))
  await segment(
    'overwritten',
    Buffer.concat([whole.subarray(0, 300), Buffer.alloc(100, 0xfe), whole.subarray(400)]),
  )
  await segment('empty', Buffer.alloc(0))

  const service = await startService(t, { DATA_DIR: folder, DATABASE_URL: await newDatabase(t) })
  await untilShipped(service)
  t.equal(((await (await fetch(`${service.url}/stats`)).json()) as any).total_predictions, 30)
  t.ok((await metric(service, 'day7_log_quarantined_total')) >= 2)
  t.ok(service.logged.some((line) => line.includes('bytes that are no records')))
  t.ok(service.logged.some((line) => line.includes('cut the torn end')))
  const aside = await readdir(join(folder, 'spool', 'quarantine'))
  t.equal(aside.length, 2)
  const bytes = Buffer.concat(
    await Promise.all(aside.map((file) => readFile(join(folder, 'spool', 'quarantine', file)))),
  )
  t.ok(bytes.includes(Buffer.alloc(100, 0xfe)))
  t.equal(await service.stop(), 0)
  t.same(
    (await readdir(join(folder, 'spool'))).filter((file) => file.endsWith('.segment')),
    [],
  )
})
