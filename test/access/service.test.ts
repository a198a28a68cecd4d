/**
 * Access control as operators and callers meet it: keys made at the command line, a service as a process of its own, with a file, with
 * a table on a real PostgreSQL server, and with an issuer of tokens.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeKey } from '../../src/access/keys.ts'
import { run } from '../../src/cli.ts'
import { readConfig } from '../../src/config/index.ts'
import { openAccess } from '../../src/services/access.ts'
import { EXAMPLE } from '../example.ts'
import { createPostgresServer } from '../postgres-server.ts'
import { dataFolder, PASSED_ON, type ServiceProcess, startService } from '../service.ts'
import { AUDIENCE, startIssuer } from './issuer.ts'
import { until } from '../until.ts'

type Environment = Readonly<Record<string, string>>

const silent = { info: () => {}, warn: () => {}, error: () => {} }

/** `day7 keys …`, in this process; one at a time. */
async function keys(env: Environment, ...args: string[]) {
  const written = { stdout: '', stderr: '' }
  const [log, error] = [console.log, console.error]
  console.log = (line: string) => void (written.stdout += `${line}\n`)
  console.error = (line: string) => void (written.stderr += `${line}\n`)
  try {
    return { status: await run(['keys', ...args], env), ...written }
  } finally {
    Object.assign(console, { log, error })
  }
}

async function create(env: Environment, ...args: string[]): Promise<{ key: string; id: string }> {
  const key = (await keys(env, 'create', ...args)).stdout.trimEnd()
  return { key, id: key.slice(5, 17) }
}

const statusOf = async (service: ServiceProcess, key: string | null, path = '/predict'): Promise<number> => {
  const response = await fetch(service.url + path, {
    ...(path === '/predict' && { method: 'POST', body: JSON.stringify(EXAMPLE) }),
    headers: {
      'content-type': 'application/json',
      ...(key !== null && { authorization: `Bearer ${key}` }),
    },
  })
  await response.body?.cancel()
  return response.status
}

/** Waits for that: the service reads its keys every two seconds. */
const answers = (status: number, service: ServiceProcess, key: string, path?: string) =>
  until(`${status} for a key`, async () => (await statusOf(service, key, path)) === status)

t.test('the command line', async (t) => {
  const env = { API_KEYS_FILE: join(dataFolder(t), 'keys.json') }
  const args = [
    'src/cli.ts',
    'keys',
    'create',
    '--name',
    'dash',
    '--scopes',
    'read, predict',
    '--expires',
    '90d',
  ]
  const made = spawnSync(process.execPath, args, { env: { ...PASSED_ON, ...env }, encoding: 'utf8' })
  t.match(made.stdout, /^day7_[0-9a-f]{12}_[A-Za-z0-9_-]{43}\n$/, 'nothing but the key, to be piped')
  const id = made.stdout.slice(5, 17)
  t.match(
    made.stderr,
    new RegExp(`^key ${id} “dash” for predict, read, until .* UTC, kept in ${env.API_KEYS_FILE}\n`),
  )
  t.notOk(made.stderr.includes(made.stdout.trim()))
  const next = await create(env, '--replaces', id, '--overlap', '2h', '--expires', 'never')
  t.match(await keys(env, 'revoke', next.id), { status: 0, stdout: `key ${next.id} “dash” is revoked` })
  const table = (await keys(env, 'list')).stdout
  t.match(table, /^id +name +scopes +created +expires +state\n/)
  t.match(table, new RegExp(`^${id}  dash  predict,read  .*  replaced by ${next.id}$`, 'm'))
  t.match(table, new RegExp(`^${next.id}  dash  predict,read  .{16}  never .*  revoked .{16}$`, 'm'))
  for (const { key } of [{ key: made.stdout.trim() }, next]) t.notOk(table.includes(key.slice(18, 26)))

  const wrong = async (args: string[], status: number, stderr: RegExp) =>
    t.match(await keys(env, ...args), { status, stdout: '', stderr })
  const name = ['create', '--name', 'n']
  const read = [...name, '--scopes', 'read']
  await wrong([], 2, /^keys: expected create --name N --scopes/)
  await wrong(['create', '--scopes', 'read'], 2, /expected --name/)
  await wrong(['create', '--name', '\n', '--scopes', 'read'], 2, /--name of 1 to 100 printable characters/)
  await wrong(name, 2, /expected --scopes, some of predict,read,outcomes,admin/)
  await wrong([...name, '--scopes', 'root'], 2, /some of predict,read,outcomes,admin, got "root"/)
  await wrong([...read, '--expires', '2020-01-01'], 2, /in the future, got "2020-01-01"/)
  await wrong([...read, '--expires', 'soon'], 2, /--expires such as 30m, 24h or 90d/)
  await wrong([...read, '--overlap', '1h'], 2, /--overlap only with --replaces/)
  await wrong(['create', '--replaces', id], 1, new RegExp(`an active key to replace; ${id} is replaced`))
  await wrong(['revoke', 'ffffffffffff'], 1, /there is no key ffffffffffff/)
  await wrong(['revoke'], 2, /expected the id of a key/)
})

t.test('what prevents the start', async (t) => {
  const folder = dataFolder(t)
  const faulty = join(folder, 'faulty.json')
  writeFileSync(faulty, '{"format": 1, "keys": [{}]}')
  const env = { DATA_DIR: folder, DATABASE_URL: 'off', LOG_LEVEL: 'silent', PORT: '0' }
  const { status, stderr } = spawnSync(process.execPath, ['src/server.ts'], {
    env: { ...PASSED_ON, ...env, HOST: '0.0.0.0' },
    encoding: 'utf8',
  })
  const guide =
    /AUTH: expected a key or OIDC_ISSUER before the service listens on .*day7 keys create.*AUTH=off/s
  t.equal(status, 2)
  t.match(stderr, guide)
  const open = async (environment: Environment) => {
    const config = readConfig({ ...env, ...environment })
    return openAccess(
      config,
      async () => [],
      () => new Date(),
      silent,
    )
  }
  for (const environment of [{ HOST: '::' }, { HOST: '10.0.0.7' }, { AUTH: 'on' }, { HOST: '127.0.0.1.x' }])
    await t.rejects(open(environment), { code: 'CONFIG_INVALID', message: guide })
  await t.rejects(open({ HOST: '::', DATABASE_URL: 'postgres://h/d' }), { message: guide }, 'an empty table')
  await t.rejects(open({ API_KEYS_FILE: join(folder, 'none.json') }), {
    message: /none\.json: expected a file/,
  })
  await t.rejects(open({ API_KEYS_FILE: faulty }), { message: /faulty\.json, keys\[0\]\.id: expected/ })
  t.notOk(
    (await open({ AUTH: 'off', HOST: '::', API_KEYS_FILE: faulty })).isEnforced(),
    'unless AUTH=off says so',
  )
  const { id } = await create({ API_KEYS_FILE: join(folder, 'good.json') }, '--name', 'n', '--scopes', 'read')
  await keys({ API_KEYS_FILE: join(folder, 'good.json') }, 'revoke', id)
  const revoked = await open({ HOST: '::', API_KEYS_FILE: join(folder, 'good.json') })
  t.ok(revoked.isEnforced(), 'a service whose last key was revoked starts, and lets nobody in')
  revoked.close()
})

t.test('on this machine the first key closes the door', async (t) => {
  const env = { DATA_DIR: dataFolder(t), DATABASE_URL: 'off' }
  const open = async () => {
    const access = await openAccess(
      readConfig(env),
      async () => [],
      () => new Date(),
      silent,
    )
    t.teardown(() => access.close())
    return access
  }
  const access = await open()
  t.notOk(access.isEnforced())
  const { key, id } = await create(env, '--name', 'me', '--scopes', 'predict')
  await until('keys are asked for', () => access.isEnforced())
  t.match(await access.callerOf(key), { name: 'me' })
  await keys(env, 'revoke', id)
  t.ok((await open()).isEnforced(), 'and it stays closed over a restart, without a key that is taken')
  t.throws(() => access.callerOf(makeKey({ name: '', scopes: [], created: new Date(), expires: null }).text))
})

t.test('keys in a file, and tokens beside them', async (t) => {
  const issuer = await startIssuer(t)
  const folder = dataFolder(t)
  const env = { API_KEYS_FILE: join(folder, 'keys.json') }
  const first = await create(env, '--name', 'first', '--scopes', 'predict')
  const service = await startService(t, {
    ...env,
    DATA_DIR: folder,
    DATABASE_URL: 'off',
    LOG_LEVEL: 'trace',
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: AUDIENCE,
    METRICS_AUTH: 'on',
  })
  t.equal(await statusOf(service, null), 401)
  t.equal(await statusOf(service, first.key), 200)
  t.equal(await statusOf(service, first.key, '/metrics'), 403)
  t.equal(await statusOf(service, null, '/health/ready'), 200)
  const token = await issuer.token()
  t.equal(await statusOf(service, token), 200)
  t.equal(await statusOf(service, token, '/metrics'), 200)
  t.equal(await statusOf(service, token, '/admin/rollout'), 403)

  const operator = await create(env, '--name', 'operator', '--scopes', 'admin')
  await answers(200, service, operator.key, '/admin/rollout')
  await until('its name in the log', () =>
    service.logged.some((line) => line.includes(`"caller":"key:${operator.id}","name":"operator"`)),
  )

  const second = await create(env, '--replaces', first.id, '--overlap', '1h')
  await answers(200, service, second.key)
  t.equal(await statusOf(service, first.key), 200, 'both, for the overlap')
  const third = await create(env, '--replaces', second.id, '--overlap', '1s')
  await answers(401, service, second.key)
  t.equal(await statusOf(service, third.key), 200)

  await keys(env, 'revoke', third.id)
  await answers(401, service, third.key)
  await keys(env, 'revoke', first.id)
  await keys(env, 'revoke', operator.id)
  await answers(401, service, first.key)
  await answers(401, service, operator.key, '/admin/rollout')
  t.equal(await statusOf(service, null), 401, 'without any key left nobody gets in')

  writeFileSync(env.API_KEYS_FILE, '{')
  await until('the fault in the log', () => service.logged.some((line) => line.includes('cannot be read')))
  t.equal(await statusOf(service, null), 401)
  for (const secret of [first, second, third, operator].map(({ key }) => key.slice(18)))
    t.notOk(
      service.logged.some((line) => line.includes(secret)),
      'no secret in the log',
    )
  t.notOk(service.logged.some((line) => line.includes(token.split('.')[2]!)))
  t.equal(await service.stop(), 0)
})

t.test('keys in a table', async (t) => {
  const server = await createPostgresServer()
  t.teardown(() => server.remove())
  const env = { DATABASE_URL: server.url }
  const folder = dataFolder(t)
  const { key, id } = await create(env, '--name', 'backend', '--scopes', 'predict')
  const other = await create(env, '--name', 'other', '--scopes', 'predict', '--expires', '1h')
  const service = await startService(t, { ...env, DATA_DIR: folder })
  t.equal(await statusOf(service, null), 401)
  t.equal(await statusOf(service, key), 200)
  t.equal(await statusOf(service, other.key), 200)
  const next = await create(env, '--replaces', other.id, '--overlap', '1s')
  await answers(200, service, next.key)
  await answers(401, service, other.key)
  await keys(env, 'revoke', next.id)
  await answers(401, service, next.key)
  t.match(await keys(env, 'create', '--replaces', next.id), {
    status: 1,
    stderr: /expected an active key to replace; .* is revoked/,
  })
  const table = (await keys(env, 'list')).stdout.trimEnd().split('\n')
  t.equal(table.length, 4)
  t.match(table[1], new RegExp(`^${id}  backend  predict  .{16}  never .*active$`))

  await server.stop()
  await until('the fault in the log', () =>
    service.logged.some((line) => line.includes('the keys cannot be read')),
  )
  t.equal(await statusOf(service, key), 200, 'known keys go on while the database is away')
  t.equal(await statusOf(service, next.key), 401)
  t.equal(await service.stop(), 0)
  const restarted = await startService(t, { ...env, DATA_DIR: folder })
  t.equal(await statusOf(restarted, key), 200, 'and over a restart')
  t.equal(await statusOf(restarted, next.key), 401)
  t.equal(await statusOf(restarted, null), 401)
  t.notOk(readFileSync(join(folder, 'api-keys.remembered.json'), 'utf8').includes('day7:day7'), 'no password')

  const blank = await startService(t, { ...env, AUTH: 'on', DATA_DIR: dataFolder(t) })
  t.equal(await statusOf(blank, key), 503, 'a service that never knew them cannot tell')
  t.equal(await statusOf(blank, null), 401)
  await server.start()
  await answers(200, blank, key)
  await keys(env, 'revoke', id)
  await answers(401, restarted, key)
  await answers(401, blank, key)
  t.equal(await blank.stop(), 0)
  t.equal(await restarted.stop(), 0)
})
