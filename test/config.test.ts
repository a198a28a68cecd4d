/**
 * The configuration: defaults, faults, and the two documents that are made from it.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { ConfigError, readConfig, SETTINGS, settingsAsEnv, settingsAsMarkdown } from '../src/config/index.ts'
import { LOG_FIELDS } from '../src/prediction-log/index.ts'

t.test('defaults', (t) => {
  t.same(readConfig({}), {
    host: '127.0.0.1',
    port: 5001,
    dataDir: '.day7',
    database: 'embedded',
    modelDir: 'artifacts/champion',
    challengerDir: null,
    mlflow: null,
    modelPollMs: 15_000,
    modelMaxBytes: 256 * 1024 * 1024,
    rollout: { challengerShare: 0, salt: 'day7', shadow: false },
    logLevel: 'info',
    bodyLimitBytes: 8 * 1024 * 1024,
    batchMaxUsers: 10_000,
    logFlushMs: 500,
    logFsyncMs: 1000,
    logSpoolMaxBytes: 1024 ** 3,
    logWhenFull: 'drop',
    logRetentionDays: 400,
    logFields: new Set([
      'user_id',
      'country',
      'country_region',
      'source',
      'platform',
      'device_family',
      'os_version',
      'event_1',
      'event_2',
      'event_3',
    ]),
    shutdownGraceMs: 10_000,
    explainMaxUsers: 100,
  })
  t.ok(Object.isFrozen(readConfig({})))
  t.end()
})

t.test('databases', (t) => {
  t.equal(readConfig({ DATABASE_URL: 'off' }).database, 'off')
  t.equal(readConfig({ DATABASE_URL: '' }).database, 'embedded')
  t.same(readConfig({ DATABASE_URL: 'postgresql://a:b@c/d' }).database, { url: 'postgresql://a:b@c/d' })
  t.end()
})

t.test('inputs that are kept in the log', (t) => {
  const fields = (value: string) => [...readConfig({ LOG_FIELDS: value }).logFields]
  t.same(fields('country, platform'), ['country', 'platform'])
  t.same(fields('event_1'), ['event_1'])
  t.same(fields('none'), [])
  t.equal(fields('').length, 10)
  for (const [value, part] of [
    ['country,age', 'age'],
    ['country,', ''],
    ['country,none', 'none'],
    ['Country', 'Country'],
  ] as const)
    t.throws(() => fields(value), {
      message: `LOG_FIELDS: expected some of ${LOG_FIELDS.join(', ')} between commas, or none, got "${part}"`,
    })
  t.end()
})

t.test('the rollout', (t) => {
  const rollout = (environment: Record<string, string>) => readConfig(environment).rollout
  t.equal(rollout({ ROLLOUT: 'champion=90,challenger=10' }).challengerShare, 0.1)
  t.equal(rollout({ ROLLOUT: 'challenger=12.5, champion=87.5' }).challengerShare, 0.125)
  t.equal(rollout({ ROLLOUT: 'champion=100' }).challengerShare, 0)
  t.equal(rollout({ ROLLOUT_SHADOW: 'challenger' }).shadow, true)
  t.throws(
    () => rollout({ ROLLOUT_SHADOW: 'champion' }),
    /ROLLOUT_SHADOW: expected one of nothing, challenger, got "champion"/,
  )
  for (const value of [
    'champion=90',
    'champion=90,challenger=20',
    'champion=110,challenger=-10',
    'best=100',
    '50',
    'champion=x',
  ])
    t.throws(() => rollout({ ROLLOUT: value }), {
      message: `the configuration has 1 fault(s):\n  ROLLOUT: expected champion=P,challenger=Q with P + Q = 100, got "${value}"`,
    })
  t.end()
})

t.test('MLflow', (t) => {
  const mlflow = (environment: Record<string, string>) =>
    readConfig({ MLFLOW_TRACKING_URI: 'http://u:secret@h:5005', ...environment }).mlflow
  t.same(mlflow({}), { trackingUri: 'http://u:secret@h:5005', modelName: 'day7-revenue', auth: null })
  t.same(mlflow({ MLFLOW_TRACKING_TOKEN: 't', MLFLOW_TRACKING_USERNAME: 'u' })!.auth, { token: 't' })
  t.same(mlflow({ MLFLOW_TRACKING_USERNAME: 'u' })!.auth, { username: 'u', password: '' })
  t.equal(readConfig({ MLFLOW_TRACKING_TOKEN: 't' }).mlflow, null)
  t.throws(() => mlflow({ MLFLOW_TRACKING_URI: 'sqlite:///secret', MLFLOW_MODEL_NAME: 'a/b' }), {
    message:
      'the configuration has 2 fault(s):\n' +
      '  MLFLOW_TRACKING_URI: expected http(s)://host:port, or nothing\n' +
      '  MLFLOW_MODEL_NAME: expected a name without / and :, got "a/b"',
  })
  t.end()
})

t.test('every fault is reported at once, and no password', (t) => {
  const environment = {
    PORT: '70000',
    LOG_LEVEL: 'loud',
    BODY_LIMIT_BYTES: '1e6',
    BATCH_MAX_USERS: '0',
    DATABASE_URL: 'mysql://u:secret@h/d',
    LOG_FLUSH_MS: '0',
    LOG_FSYNC_MS: '-1',
    LOG_SPOOL_MAX_BYTES: '1MB',
    LOG_WHEN_FULL: 'wait',
    LOG_RETENTION_DAYS: '0',
    SHUTDOWN_GRACE_MS: '1.5',
  }
  try {
    readConfig(environment)
    t.fail('it should have thrown')
  } catch (error) {
    t.ok(error instanceof ConfigError)
    t.same((error as ConfigError).faults, [
      'PORT: expected a whole number from 0 to 65535, got "70000"',
      'LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, got "loud"',
      'BODY_LIMIT_BYTES: expected a whole number from 1024 to 1073741824, got "1e6"',
      'BATCH_MAX_USERS: expected a whole number from 1 to 1000000, got "0"',
      'SHUTDOWN_GRACE_MS: expected a whole number from 0 to 600000, got "1.5"',
      'DATABASE_URL: expected postgres://user:password@host:port/database, or off',
      'LOG_FLUSH_MS: expected a whole number from 1 to 60000, got "0"',
      'LOG_FSYNC_MS: expected a whole number from 0 to 600000, got "-1"',
      'LOG_SPOOL_MAX_BYTES: expected a whole number from 1048576 to 1099511627776, got "1MB"',
      'LOG_WHEN_FULL: expected one of drop, reject, got "wait"',
      'LOG_RETENTION_DAYS: expected a whole number from 1 to 36500, got "0"',
    ])
  }
  t.end()
})

t.test('.env.example and docs/operations.md have every setting as it is', (t) => {
  t.equal(readFileSync('.env.example', 'utf8'), settingsAsEnv(), 'npm run settings writes it')
  const tableOf = (text: string) =>
    text
      .split('\n')
      .filter((line) => /^\| `[A-Z_]+`/.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()))
  t.same(tableOf(readFileSync('docs/operations.md', 'utf8')), tableOf(settingsAsMarkdown()))
  t.equal(tableOf(settingsAsMarkdown()).length, SETTINGS.length)
  t.end()
})
