/**
 * Texts that are SQL, log lines, terminal commands or markup to somebody, in every field of `/predict`, `/batch_predict` and `/outcomes`
 * that takes a text: they arrive in PostgreSQL as they were sent, nothing of them is run, and no line of the log is forged.
 */
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import postgres from 'postgres'
import t from 'tap'
import { EXAMPLE } from '../example.ts'
import { dataFolder, startService } from '../service.ts'
import { newDatabase } from '../shared-postgres.ts'
import { until } from '../until.ts'

const TEXTS = [
  `'; drop table predictions; --`,
  `"; drop table predictions; --`,
  `' or '1'='1`,
  `\\'; select pg_sleep(10); --`,
  '$$; drop table outcomes; $$',
  '%s %n %x {0} ${jndi:ldap://127.0.0.1/a} {{7*7}}',
  '\\N',
  '\\.',
  '\\',
  'a\tb\\tc\bd\fe\vf',
  'a\n{"level":60,"time":1,"msg":"forged"}\nb',
  'a\r\n{"level":60,"time":1,"msg":"forged"}',
  '","level":60,"msg":"forged","x":"',
  '\u001B[2J\u001B[31mred\u001B[0m\u0007',
  '\u202Egnp.exe\u2028\u2029\u0085',
  '<script>alert(1)</script><img src=x onerror=alert(1)>',
  `=cmd|'/c calc'!A1`,
  '😀\uFFFF\u0001\u007F',
  'NULL',
  ' ',
]
const FIELDS = [
  'country',
  'country_region',
  'source',
  'platform',
  'device_family',
  'os_version',
  'user_id',
] as const

const url = await newDatabase(t)
const service = await startService(t, {
  DATABASE_URL: url,
  DATA_DIR: dataFolder(t),
  LOG_LEVEL: 'trace',
})
const sql = postgres(url, { onnotice: () => {} })
t.teardown(() => sql.end())

async function post(path: string, body: unknown) {
  const response = await fetch(service.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as any }
}

const rowsOf = <T>(count: number, ask: () => Promise<T[]>): Promise<T[]> =>
  until(`${count} rows`, async () => {
    const rows = await ask()
    return rows.length >= count && rows
  })

t.test('predictions', async (t) => {
  const installs = TEXTS.flatMap((text) =>
    FIELDS.map((field) => ({ user_id: null, ...EXAMPLE, [field]: text })),
  )
  const sent = new Map<string, object>()
  for (const install of installs) {
    const { status, body } = await post('/predict', install)
    t.equal(status, 200)
    sent.set(body.prediction_id, install)
  }
  const batch = await post('/batch_predict', { users: installs })
  for (const row of batch.body.predictions) sent.set(row.prediction_id, row.input)
  t.equal(sent.size, installs.length * 2)
  t.same(
    batch.body.predictions.map(({ input }: { input: object }) => input),
    installs,
    'a batch answers with what it was sent',
  )
  const rows = await rowsOf(sent.size, () => sql`select * from ${sql(`predictions_of_${NINE_FIELDS.id}`)}`)
  t.equal(rows.length, sent.size)
  for (const { prediction_id: id, ...row } of rows) {
    const { country, country_region, source, platform, device_family, os_version, user_id } = row
    const { event_1, event_2, event_3 } = row
    t.strictSame(
      {
        country,
        country_region,
        source,
        platform,
        device_family,
        os_version,
        event_1,
        event_2,
        event_3,
        user_id,
      },
      sent.get(id),
    )
  }
})

t.test('outcomes', async (t) => {
  for (const text of TEXTS)
    t.match(await post('/outcomes', { user_id: text, revenue: 1 }), { status: 200, body: { accepted: 1 } })
  const rows = await sql<{ user_id: string }[]>`select user_id from outcomes where user_id is not null`
  t.same(new Set(rows.map(({ user_id }) => user_id)), new Set(TEXTS))
  for (const text of TEXTS) {
    t.match(await post('/outcomes', { prediction_id: text, revenue: 1 }), { status: 400 })
    t.match(await post('/outcomes', { user_id: 'a', revenue: 1, observed_at: text }), { status: 400 })
    t.match(await post('/outcomes', { user_id: 'a', revenue: text }), { status: 400 })
    t.match(await post('/outcomes', { user_id: 'a', revenue: 1, [text]: 1 }), { status: 400 })
  }
})

t.test('questions, and paths', async (t) => {
  for (const text of TEXTS) {
    const quoted = encodeURIComponent(text)
    for (const path of [
      `/stats?window=${quoted}`,
      `/stats?${quoted}=1`,
      `/accuracy?by=${quoted}`,
      `/experiments?window=${quoted}`,
    ])
      t.equal((await fetch(service.url + path)).status, 400, path)
    t.equal((await fetch(`${service.url}/${quoted}`)).status, 404)
  }
  const stats = (await (await fetch(`${service.url}/stats`)).json()) as { platform_distribution: object }
  t.equal(Object.keys(stats.platform_distribution).length > 1, true, 'statistics are made of such texts too')
  const [text] = TEXTS as [string]
  const erased = await fetch(`${service.url}/users/${encodeURIComponent(text)}`, { method: 'DELETE' })
  t.match(await erased.json(), { user_id: text, predictions: 2, outcomes: 1 })
})

t.test('what no database can hold is refused', async (t) => {
  for (const field of FIELDS)
    for (const text of ['a\0b', '\uD800', 'a\uDFFF'])
      t.match(await post('/predict', { ...EXAMPLE, [field]: text }), {
        status: 400,
        body: { message: /expected text without NUL and without half a surrogate pair/ },
      })
  t.match(await post('/outcomes', { user_id: 'a\0b', revenue: 1 }), { status: 400 })
})

t.test('the tables are there, and the log says nothing that the service did not say', async (t) => {
  const tables = await sql<
    { name: string }[]
  >`select table_name as name from information_schema.tables where table_name in ('predictions', 'outcomes')`
  t.same(tables.map(({ name }) => name).sort(), ['outcomes', 'predictions'])
  for (const line of service.logged) t.notMatch(line, /[\p{Cc}\u2028\u2029]/u)
  const lines = service.logged.map((line) => JSON.parse(line))
  t.ok(lines.length > 0)
  for (const line of lines) {
    t.equal(line.pid, service.process.pid)
    t.ok(line.level < 40 || line.msg === 'request' || /synthetic|unit/.test(line.msg), JSON.stringify(line))
  }
  t.equal(await service.stop(), 0)
})
