/**
 * Two services as processes, on one PostgreSQL, that follow a real MLflow server: models come and go, bad ones are refused, MLflow is
 * killed, frozen and empty; and one that watches folders.
 */
import { cpSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { createMlflowClient } from '../../src/mlflow/index.ts'
import { promoteVersion, publishBundle } from '../../src/registry/index.ts'
import { deriveBundle } from '../derived-bundle.ts'
import { EXAMPLE } from '../example.ts'
import { createMlflowServer } from '../mlflow-server.ts'
import { dataFolder, type ServiceProcess, startService } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { until as untilSo } from '../until.ts'

const NAME = 'day7-revenue'
const POLL = { MODEL_POLL_MS: '200' }

const folder = mkdtempSync(join(tmpdir(), 'day7-rollout-'))
t.teardown(() => rmSync(folder, { recursive: true }))
for (const [version, factor] of Object.entries({ one: 1, two: 1.25, three: 1.5 }))
  deriveBundle(join(folder, version), version, factor)

async function ask(service: ServiceProcess, path: string, method = 'GET', body?: unknown): Promise<any> {
  const response = await fetch(service.url + path, {
    method,
    ...(body !== undefined && {
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    }),
  })
  const text = await response.text()
  return path === '/metrics' ? text : { status: response.status, body: JSON.parse(text) }
}

const predict = (service: ServiceProcess, user: string | null = null) =>
  ask(service, '/predict', 'POST', { ...EXAMPLE, user_id: user })

/** Waits until what is seen is so. */
const until = <T>(look: () => Promise<T>, isSo: (seen: T) => boolean): Promise<T> =>
  untilSo(`${look} to be ${isSo}`, async () => {
    const seen = await look()
    return isSo(seen) && { seen }
  }).then(({ seen }) => seen)

const serves = (service: ServiceProcess, version: string, variant = 'champion') =>
  until(
    () => ask(service, `/model/info?variant=${variant}`),
    ({ body }) => body.version === version,
  )
const isIn = (service: ServiceProcess, variant: string, state: string) =>
  until(
    async () => (await ask(service, '/health')).body.rollout[variant],
    (follower) => follower.state === state,
  )

t.test('following MLflow', async (t) => {
  const [mlflow, database] = await Promise.all([createMlflowServer(3), newDatabase(t)])
  t.teardown(() => mlflow.remove())
  const client = createMlflowClient({ trackingUri: mlflow.url })
  t.teardown(() => client.close())
  const settingsOf = () => ({
    DATA_DIR: dataFolder(t),
    DATABASE_URL: database,
    MLFLOW_TRACKING_URI: mlflow.url,
    ...POLL,
  })
  const settings = settingsOf()
  const services = await Promise.all([startService(t, settings), startService(t, settingsOf())])
  const [first, second] = services

  for (const service of services) {
    t.match(
      await predict(service),
      { status: 503, body: { code: 'MODEL_UNAVAILABLE' } },
      'no model, no answer',
    )
    t.match(await ask(service, '/health/ready'), { status: 503 })
    t.match(await ask(service, '/health'), { body: { status: 'degraded', model: null } })
  }

  const publish = (version: string, alias: string | null) =>
    publishBundle(client, join(folder, version), { name: NAME, alias })
  await publish('one', 'champion')
  await Promise.all(services.map((service) => serves(service, 'one')))
  t.match(await ask(first, '/model/info'), { body: { origin: 'models:/day7-revenue/1' } })
  await publish('two', 'challenger')
  await Promise.all(services.map((service) => serves(service, 'two', 'challenger')))
  const [one, two] = [await predict(first), await predict(second)]
  t.equal(one.body.predicted_revenue, two.body.predicted_revenue, 'the challenger gets no traffic by itself')

  await t.test('the split of one process is the split of all', async (t) => {
    const kept = await ask(first, '/admin/rollout', 'PUT', {
      champion: 50,
      challenger: 50,
      shadow: 'challenger',
    })
    t.match(kept, { status: 200, body: { challenger: 50, shadow: 'challenger', origin: 'admin' } })
    await until(
      () => ask(second, '/admin/rollout'),
      ({ body }) => body.since === kept.body.since,
    )
    const users = Array.from({ length: 60 }, (_, i) => `player ${i}`)
    const variants = (service: ServiceProcess) =>
      Promise.all(users.map(async (user) => (await predict(service, user)).body.model.variant))
    const arms = await variants(first)
    t.same(await variants(second), arms, 'a user is in the same arm everywhere')
    t.same([...new Set(arms)].toSorted(), ['challenger', 'champion'])
    await ask(second, '/admin/rollout', 'PUT', { champion: 100, challenger: 0 })
    await until(
      () => ask(first, '/admin/rollout'),
      ({ body }) => body.challenger === 0,
    )
    t.same(new Set(await variants(first)), new Set(['champion']))
  })

  const promoted = await promoteVersion(client, NAME, '2', { maxBytes: 2 ** 28 })
  t.match(promoted, { previous: '1', wasChallenger: true })
  await Promise.all(services.map((service) => serves(service, 'two')))
  for (const service of services)
    await until(
      () => ask(service, '/model/info?variant=challenger'),
      ({ status }) => status === 404,
    )
  t.not((await predict(first)).body.predicted_revenue, one.body.predicted_revenue)

  await t.test('a bad one never serves, and says why', async (t) => {
    await publish('three', null)
    await client.setModelVersionTag(NAME, '3', 'sha256.model.json', 'f'.repeat(64))
    await client.setAlias(NAME, 'champion', '3')
    await isIn(second, 'champion', 'refused')
    const { wanted, reason } = await isIn(first, 'champion', 'refused')
    t.equal(wanted, 'models:/day7-revenue/3')
    t.match(reason, /model\.json: expected sha256 f{64} as the version’s tag says/)
    t.match(await ask(first, '/health'), { body: { status: 'degraded', model: { version: 'two' } } })
    t.match(await ask(first, '/health/ready'), { status: 200 })
    t.match(await ask(first, '/metrics'), /^day7_rollout_refusals_total\{variant="champion"\} 1$/m)
    t.ok(first.logged.some((line) => line.includes('a model is refused')))

    const response = await fetch(`${mlflow.url}/api/2.0/mlflow/model-versions/delete`, {
      method: 'DELETE',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ name: NAME, version: '3' }),
    })
    t.equal(response.status, 200)
    const left = await isIn(first, 'champion', 'following')
    t.match(left.reason, /names no model/, 'MLflow takes the alias away with its version')
    t.match(await predict(first), { status: 200, body: { model: { version: 'two' } } })
    await client.setAlias(NAME, 'champion', '2')
    await until(
      async () => (await ask(first, '/health')).body,
      ({ status }) => status === 'ok',
    )
    // Events wait in memory for the next shipment, and one of the two is about to be killed.
    await until(
      async () => (await ask(first, '/model/history')).body.events as { event: string }[],
      (events) => events.filter(({ event }) => event === 'refused').length === 2,
    )
  })

  await t.test('without MLflow the last good one serves, also after a new start', async (t) => {
    mlflow.freeze()
    t.match(await predict(first), { status: 200, body: { model: { version: 'two' } } })
    await first.stop('SIGKILL')
    const whileFrozen = await startService(t, settings)
    t.match(await predict(whileFrozen), { status: 200, body: { model: { version: 'two' } } })
    mlflow.thaw()
    await mlflow.kill()
    await isIn(second, 'champion', 'unreachable')
    t.match(await predict(second), { status: 200, body: { model: { version: 'two' } } })
    t.equal(await whileFrozen.stop(), 0)
    const whileAway = await startService(t, settings)
    t.match(await predict(whileAway), { status: 200, body: { model: { version: 'two' } } })
    t.match(await ask(whileAway, '/admin/rollout'), { body: { origin: 'admin' } })
    await mlflow.start()
    await client.setAlias(NAME, 'champion', '1')
    await Promise.all([whileAway, second].map((service) => serves(service, 'one')))
    t.equal(await whileAway.stop(), 0)
    t.equal(await second.stop(), 0)
  })

  await t.test('every change is an event', async (t) => {
    const events = await withClient(
      database,
      (sql) => sql<{ event: string; told: string; count: number }[]>`
        select event, coalesce(variant, '') || ' ' || coalesce(model_version, '') as told, count(*)::int as count
        from model_events group by 1, 2 order by 1, 2`,
    )
    const counts = new Map(events.map(({ event, told, count }) => [`${event} ${told}`.trim(), count]))
    t.ok(counts.get('serving champion one')! >= 4, 'of both processes, and after the way back')
    t.ok(counts.get('serving champion two')! >= 2)
    t.equal(counts.get('serving challenger two'), 2)
    t.equal(counts.get('cleared challenger'), 2)
    t.equal(counts.get('refused champion'), 2)
    t.equal(counts.get('traffic'), 3, 'the settings and two calls')
  })
})

t.test('watching folders', async (t) => {
  const [champion, challenger] = [join(folder, 'champion'), join(folder, 'challenger')]
  cpSync(join(folder, 'one'), champion, { recursive: true })
  const service = await startService(t, {
    DATABASE_URL: 'off',
    DATA_DIR: dataFolder(t),
    MODEL_DIR: champion,
    CHALLENGER_DIR: challenger,
    ...POLL,
  })
  t.match(await predict(service), { body: { model: { version: 'one' } } })
  t.match((await isIn(service, 'challenger', 'unreachable')).reason, /ENOENT/)

  cpSync(join(folder, 'two'), join(folder, 'incoming'), { recursive: true })
  renameSync(join(folder, 'incoming'), challenger)
  await serves(service, 'two', 'challenger')

  cpSync(join(folder, 'three'), champion, { recursive: true }) // over the files of the other
  await serves(service, 'three')
  writeFileSync(join(champion, 'golden.ndjson'), '{}')
  t.match((await isIn(service, 'champion', 'refused')).reason, /golden\.ndjson: expected sha256/)
  t.match(await predict(service), { body: { model: { version: 'three' } } })
  cpSync(join(folder, 'one'), champion, { recursive: true })
  await serves(service, 'one')
  t.match(await ask(service, '/admin/rollout', 'PUT', { champion: 0, challenger: 100 }), {
    status: 503,
    body: { code: 'PREDICTION_LOG_OFF' },
  })
  t.equal(await service.stop(), 0)
})
