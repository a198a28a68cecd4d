/**
 * The configuration: defaults, faults, and the two documents that are made from it.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import {
  ConfigError,
  keyPlaceOf,
  readConfig,
  SETTINGS,
  settingsAsEnv,
  settingsAsMarkdown,
} from '../src/config/index.ts'

t.test('defaults', (t) => {
  t.same(readConfig({}), {
    host: '127.0.0.1',
    port: 5001,
    auth: 'auto',
    apiKeysFile: null,
    oidc: null,
    metricsAuth: false,
    dataDir: '.day7',
    database: 'embedded',
    modelDir: 'artifacts/champion',
    challengerDir: null,
    mlflow: null,
    modelPollMs: 15_000,
    acceptedInputs: new Set(),
    modelMaxBytes: 256 * 1024 * 1024,
    rollout: { challengerShare: 0, salt: 'day7', shadow: false },
    logLevel: 'info',
    bodyLimitBytes: 8 * 1024 * 1024,
    batchMaxUsers: 10_000,
    streamLineBytes: 65_536,
    streamIdleMs: 60_000,
    logFlushMs: 500,
    logFsyncMs: 1000,
    logSpoolMaxBytes: 1024 ** 3,
    logWhenFull: 'drop',
    logRetentionDays: 400,
    logFields: null,
    shutdownGraceMs: 10_000,
    logRequests: 'sampled',
    logRequestsPerSecond: 50,
    driftWindowMs: 3_600_000,
    tracing: null,
    redisUrl: null,
    rateLimits: { perKey: null, perAddress: null },
    trustProxy: 0,
    connections: {
      max: 10_000,
      maxHeaderBytes: 16_384,
      headersTimeoutMs: 10_000,
      requestTimeoutMs: 600_000,
      stallTimeoutMs: 120_000,
      keepAliveTimeoutMs: 72_000,
    },
    shedEventLoopDelayMs: 7,
    liveStreamsPerCaller: 20,
    browsers: {
      corsOrigins: [],
      allowedHosts: [],
      securityHeaders: true,
      contentSecurityPolicy: null,
      hstsMaxAgeS: 0,
    },
    shutdownDrainMs: 0,
    workers: 1,
    idempotencyTtlS: 3600,
    idempotencyMaxBytes: 1024 * 1024,
    idempotencyMemoryBytes: 64 * 1024 * 1024,
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
  const fields = (value: string) => {
    const { logFields } = readConfig({ LOG_FIELDS: value })
    return logFields && [...logFields]
  }
  t.same(fields('Country Code, platform'), ['Country Code', 'platform'])
  t.same(fields('event_1'), ['event_1'])
  t.same(fields('["is \\"new\\", or not", "user_id"]'), ['is "new", or not', 'user_id'])
  t.same(fields('none'), [])
  t.equal(fields(''), null, 'all but the personal ones')
  for (const value of ['country,', ',', '["country", 5]', '["country"', '[""]'])
    t.throws(() => fields(value), {
      message: `LOG_FIELDS: expected names between commas, or an array of texts in JSON, got ${value}`,
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

t.test('access', (t) => {
  const oidc = (environment: Record<string, string>) => readConfig(environment).oidc
  const issuer = 'https://id.example/'
  t.same(oidc({ OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'day7' }), {
    issuer,
    audience: 'day7',
    jwksUri: null,
    scopeClaim: 'scope',
    scopePrefix: '',
  })
  for (const local of ['http://localhost:8080/realms/day7', 'http://127.0.0.1', 'http://[::1]:1'])
    t.match(oidc({ OIDC_ISSUER: local, OIDC_AUDIENCE: 'day7' }), { issuer: local })
  const refused = (environment: Record<string, string>, message: RegExp) =>
    t.throws(() => readConfig(environment), message)
  refused({ OIDC_ISSUER: issuer }, /OIDC_AUDIENCE: expected a name/)
  refused({ OIDC_AUDIENCE: 'day7' }, /OIDC_ISSUER: expected https.*got nothing/)
  refused({ OIDC_ISSUER: 'http://id.example', OIDC_AUDIENCE: 'day7' }, /OIDC_ISSUER: expected https/)
  refused({ OIDC_ISSUER: 'http://127.0.0.1.id.example', OIDC_AUDIENCE: 'a' }, /OIDC_ISSUER: expected https/)
  refused(
    { OIDC_ISSUER: issuer, OIDC_AUDIENCE: 'a', OIDC_JWKS_URI: 'file:///k' },
    /OIDC_JWKS_URI: expected https/,
  )
  refused({ AUTH: 'yes', METRICS_AUTH: '1' }, /2 fault.*AUTH: expected one of auto, on, off.*METRICS_AUTH/s)
  t.same(keyPlaceOf(readConfig({ API_KEYS_FILE: 'k.json', DATABASE_URL: 'postgres://h/d' })), {
    file: 'k.json',
  })
  t.same(keyPlaceOf(readConfig({ DATABASE_URL: 'postgres://h/d' })), { url: 'postgres://h/d' })
  for (const DATABASE_URL of ['', 'off'])
    t.same(keyPlaceOf(readConfig({ DATABASE_URL })), { file: '.day7/api-keys.json' })
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

t.test('traces', (t) => {
  const tracing = (environment: Record<string, string>) =>
    readConfig({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://h:4318/', ...environment }).tracing
  t.same(tracing({}), {
    endpoint: 'http://h:4318',
    headers: {},
    serviceName: 'day7',
    resourceAttributes: {},
    sampler: 'parentbased_always_on',
    samplerRatio: 1,
  })
  t.match(
    tracing({
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20x=, b = c ',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_TRACES_SAMPLER: 'traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '.25',
    }),
    {
      headers: { authorization: 'Bearer x=', b: 'c' },
      resourceAttributes: { 'deployment.environment.name': 'test' },
      sampler: 'traceidratio',
      samplerRatio: 0.25,
    },
  )
  const wrong = {
    OTEL_EXPORTER_OTLP_ENDPOINT: 'grpc://h:4317',
    OTEL_EXPORTER_OTLP_HEADERS: 'secret',
    OTEL_RESOURCE_ATTRIBUTES: 'a=%',
    OTEL_TRACES_SAMPLER: 'xray',
    OTEL_TRACES_SAMPLER_ARG: '1.5',
  }
  t.throws(() => tracing(wrong), {
    message: [
      'the configuration has 5 fault(s):',
      'OTEL_EXPORTER_OTLP_ENDPOINT: expected http(s)://host:port, or nothing',
      'OTEL_EXPORTER_OTLP_HEADERS: expected name=value,name=value',
      'OTEL_RESOURCE_ATTRIBUTES: expected name=value,name=value',
      'OTEL_TRACES_SAMPLER: expected one of parentbased_always_on, parentbased_always_off, parentbased_traceidratio, always_on, always_off, traceidratio, got "xray"',
      'OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, got "1.5"',
    ].join('\n  '),
  })
  t.equal(tracing({ ...wrong, OTEL_EXPORTER_OTLP_ENDPOINT: '' }), null, 'they may be meant for others')
  t.end()
})

t.test('rate limits and proxies', (t) => {
  const limits = (environment: Record<string, string>) => readConfig(environment)
  const perKey = (value: string) => limits({ RATE_LIMIT_PER_KEY: value }).rateLimits.perKey
  t.same(perKey('50'), { max: 50, windowMs: 1000 })
  t.same(perKey('50/second'), { max: 50, windowMs: 1000 })
  t.same(perKey('3000/minute'), { max: 3000, windowMs: 60_000 })
  t.same(perKey('1/day'), { max: 1, windowMs: 86_400_000 })
  t.same(limits({ RATE_LIMIT_PER_ADDRESS: '7/hour' }).rateLimits, {
    perKey: null,
    perAddress: { max: 7, windowMs: 3_600_000 },
  })
  for (const value of ['0', '1.5', '-1', '5/week', '5 /second', 'none', '5/constructor'])
    t.throws(() => perKey(value), {
      message: `the configuration has 1 fault(s):\n  RATE_LIMIT_PER_KEY: expected N, or N/second, N/minute, N/hour, N/day, got "${value}"`,
    })
  const { redisUrl } = limits({ REDIS_URL: 'rediss://u:p@h:6380/1' })
  t.equal(redisUrl, 'rediss://u:p@h:6380/1')
  for (const value of ['http://u:secret@h', 'secret', 'redis://'])
    t.throws(() => limits({ REDIS_URL: value }), {
      message:
        'the configuration has 1 fault(s):\n  REDIS_URL: expected redis(s)://user:password@host:port/number, or nothing',
    })
  const proxies = (value: string) => limits({ TRUST_PROXY: value }).trustProxy
  t.equal(proxies('2'), 2)
  t.same(proxies('10.0.0.0/8, loopback,::1,fd00::/8'), ['10.0.0.0/8', 'loopback', '::1', 'fd00::/8'])
  for (const [value, part] of [
    ['10.0.0.0/33', '10.0.0.0/33'],
    ['10.0.0', '10.0.0'],
    ['10.0.0.1,', ''],
    ['true', 'true'],
    ['::1/129', '::1/129'],
  ] as const)
    t.throws(() => proxies(value), {
      message: `the configuration has 1 fault(s):\n  TRUST_PROXY: expected addresses and networks such as 10.0.0.0/8, loopback, linklocal, uniquelocal, or a number, got "${part}"`,
    })
  t.throws(() => proxies('21'), /TRUST_PROXY: expected at most 20 proxies, got 21/)
  t.end()
})

t.test('browsers', (t) => {
  const browsers = (environment: Record<string, string>) => readConfig(environment).browsers
  t.equal(browsers({ CORS_ORIGINS: '*' }).corsOrigins, '*')
  t.same(browsers({ CORS_ORIGINS: 'https://a.example, http://localhost:3000' }).corsOrigins, [
    'https://a.example',
    'http://localhost:3000',
  ])
  for (const origin of ['a.example', 'https://a.example/', 'https://a.example/path', '*.example', 'null'])
    t.throws(() => browsers({ CORS_ORIGINS: origin }), {
      message: `the configuration has 1 fault(s):\n  CORS_ORIGINS: expected origins such as https://a.example between commas, or *, got "${origin}"`,
    })
  t.equal(browsers({ SECURITY_HEADERS: 'off' }).securityHeaders, false)
  t.equal(
    browsers({ CONTENT_SECURITY_POLICY: "default-src 'none'" }).contentSecurityPolicy,
    "default-src 'none'",
  )
  t.throws(() => browsers({ CONTENT_SECURITY_POLICY: 'a\r\nb' }), /expected ASCII without control characters/)
  t.end()
})

t.test('several processes', (t) => {
  t.equal(readConfig({ WORKERS: '4', DATABASE_URL: 'off' }).workers, 4)
  t.equal(readConfig({ WORKERS: '1' }).workers, 1)
  t.throws(() => readConfig({ WORKERS: '2' }), {
    message:
      'the configuration has 1 fault(s):\n' +
      '  WORKERS: expected 1 with the embedded database, which belongs to one process, got 2; set DATABASE_URL to a PostgreSQL server, or to off',
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
    LOG_REQUESTS: 'some',
    LOG_REQUESTS_PER_SECOND: '0',
    DRIFT_WINDOW_MINUTES: '0',
    STREAM_LINE_BYTES: '64k',
    STREAM_IDLE_MS: '0',
  }
  try {
    readConfig(environment)
    t.fail('it should have thrown')
  } catch (error) {
    t.ok(error instanceof ConfigError)
    t.same((error as ConfigError).faults, [
      'DATABASE_URL: expected postgres://user:password@host:5432/database, or off, got no such address',
      'LOG_FLUSH_MS: expected a whole number from 1 to 60000, got "0"',
      'LOG_FSYNC_MS: expected a whole number from 0 to 600000, got "-1"',
      'LOG_SPOOL_MAX_BYTES: expected a whole number from 1048576 to 1099511627776, got "1MB"',
      'LOG_WHEN_FULL: expected one of drop, reject, got "wait"',
      'LOG_RETENTION_DAYS: expected a whole number from 1 to 36500, got "0"',
      'PORT: expected a whole number from 0 to 65535, got "70000"',
      'LOG_LEVEL: expected one of fatal, error, warn, info, debug, trace, silent, got "loud"',
      'BODY_LIMIT_BYTES: expected a whole number from 1024 to 1073741824, got "1e6"',
      'BATCH_MAX_USERS: expected a whole number from 1 to 1000000, got "0"',
      'SHUTDOWN_GRACE_MS: expected a whole number from 0 to 600000, got "1.5"',
      'STREAM_LINE_BYTES: expected a whole number from 1024 to 16777216, got "64k"',
      'STREAM_IDLE_MS: expected a whole number from 100 to 86400000, got "0"',
      'LOG_REQUESTS: expected one of sampled, all, errors, off, got "some"',
      'LOG_REQUESTS_PER_SECOND: expected a whole number from 1 to 1000000, got "0"',
      'DRIFT_WINDOW_MINUTES: expected a whole number from 1 to 100000, got "0"',
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
