/**
 * How long the log's questions take over ten million predictions of thirty days, sixty countries and two platforms: fills a
 * PostgreSQL server of its own, asks, removes it → Markdown on the screen. Takes some minutes and 4 GB in the folder for temporary
 * files.
 *
 *   node test/bench/stats.ts [rows] [outcomes] [users]
 */
import postgres from 'postgres'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { WINDOWS } from '../../src/prediction-log/index.ts'
import { migrate } from '../../src/database/migrate.ts'
import { queryAccuracy } from '../../src/prediction-log/tables/accuracy.ts'
import { transact } from '../../src/database/index.ts'
import { eraseUsers } from '../../src/prediction-log/tables/erasure.ts'
import { settle } from '../../src/prediction-log/tables/installs.ts'
import {
  queryStatistics,
  type StatisticsQuery,
  type StatisticsWindow,
} from '../../src/prediction-log/tables/statistics.ts'
import { createPostgresServer } from '../postgres-server.ts'

const ROWS = Number(process.argv[2] ?? 10_000_000)
const DAYS = 30
const OUTCOMES = Number(process.argv[3] ?? 100_000)
const USERS = Number(process.argv[4] ?? Math.ceil(ROWS / 10))
const LIMIT_MS = 50
const ROUNDS = 20
const FACETS = ['country', 'source', 'platform']
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
const NOW = new Date(START_MS + DAYS * DAY_MS)
const RETENTION_DAYS = 400

const server = await createPostgresServer()
const sent: { query: string; parameters: unknown[] }[] = []
const sql = postgres(server.url, {
  max: 4,
  onnotice: () => {},
  connection: { TimeZone: 'UTC' },
  debug: (_, query, parameters) => sent.push({ query, parameters }),
})
try {
  await fill()
  console.log(await report())
} finally {
  await sql.end()
  await server.remove()
}

/** As many rows each day, a user's over the days, few countries with many and many with few; days side by side. */
async function fill(): Promise<void> {
  console.error(`making ${ROWS.toLocaleString('en')} predictions`)
  await migrate(sql)
  const days = Array.from({ length: DAYS }, (_, day) => day)
  const worker = async (): Promise<void> => {
    for (let day; (day = days.shift()) !== undefined;) await fillDay(day)
  }
  await Promise.all([worker(), worker()])
  await sql`vacuum analyze`
  await sql`
    insert into outcomes (prediction_id, revenue, observed_at)
    select prediction_id, case when random() < 0.9 then 0 else predicted_revenue * random() * 10 end, time + interval '170 hours'
    from predictions
    where time < ${NOW}::timestamptz - interval '7 days' and time > ${NOW}::timestamptz - interval '28 days'
    order by md5(prediction_id::text) limit ${OUTCOMES}`
  await sql`insert into unsettled_minutes (minute) select distinct date_bin('1 minute', time, 'epoch') from predictions order by 1`
  await sql`select day7_maintain(${NOW}::date, ${RETENTION_DAYS})`
  await sql`vacuum analyze`
  console.error('settling')
  const settled = await msOf(async () => {
    while (await transact(sql, settle));
  })
  await sql`vacuum analyze`
  console.error(
    `settled in ${(settled / 1000).toFixed(0)} s: ${Math.round((ROWS + OUTCOMES) / (settled / 1000))} a second`,
  )
}

async function fillDay(day: number): Promise<void> {
  const perDay = Math.floor(((day + 1) * ROWS) / DAYS) - Math.floor((day * ROWS) / DAYS)
  const startMs = START_MS + day * DAY_MS
  await sql`select day7_make_partition(${new Date(startMs)}::date)`
  await sql`
    insert into predictions
    select
      (lpad(to_hex(ms), 12, '0') || '7' || substr(bits, 1, 3) || '8' || substr(bits, 4, 15))::uuid,
      to_timestamp(ms / 1000::double precision),
      'player ' || mod(${day * Math.ceil(ROWS / DAYS)}::bigint + i, ${USERS}::bigint), ${NINE_FIELDS.id}, jsonb_build_object(
        'country', chr(97 + country / 8) || chr(97 + country % 8), 'country_region', 'region ' || i % 300, 'source', 'Organic',
        'platform', (array['iOS', 'Android'])[1 + i % 2], 'device_family', 'Apple iPhone', 'os_version', '17.' || i % 9,
        'event_1', i % 100, 'event_2', i % 50, 'event_3', nullif(i % 10, 0)
      ),
      round((random() ^ 8 * 100)::numeric, 6), random(), random() * 20, 'day7-revenue', '1', 'champion'
    from (
      select i, ${startMs}::bigint + i * ${DAY_MS}::bigint / ${perDay}::bigint as ms, md5(${day}::text || '/' || i) as bits,
        floor(60 * random() ^ 2)::int as country
      from generate_series(0::bigint, ${perDay - 1}::bigint) as i
    ) as drawn`
  for (let hour = 0; hour < 24; hour++)
    await sql`select day7_recount(${new Date(startMs + hour * 3_600_000)})`
}

async function report(): Promise<string> {
  console.error('asking')
  const [size] = await sql<[{ rows: number; bytes: string; buckets: string }]>`
    select count(*)::float8 as rows,
      pg_size_pretty((select sum(pg_total_relation_size(relid)) from pg_partition_tree('predictions'))) as bytes,
      pg_size_pretty((
        select sum(pg_total_relation_size(relid))
        from (values ('prediction_totals'), ('prediction_counts')) as tables (name), pg_partition_tree(name)
      )) as buckets
    from predictions`
  const questions = (Object.keys(WINDOWS) as StatisticsWindow[]).flatMap((window) =>
    [null, ...WINDOWS[window].resolutions].map((bucket): StatisticsQuery => ({
      window,
      bucket,
      facets: FACETS,
      now: NOW,
    })),
  )
  const rows: string[] = []
  for (const question of questions) {
    const ms = await medianMs(ROUNDS, () => queryStatistics(sql, question))
    rows.push(
      `| \`/stats\`, window ${question.window}${question.bucket ? ` by ${question.bucket}` : ''} | ${inMs(ms)} | ${LIMIT_MS} ms |`,
    )
  }
  const plan = await planOf({ window: 'all', bucket: null, facets: [], now: NOW })
  const direct = await medianMs(3, () => sql`select count(*) from predictions`)
  const accuracy = await medianMs(3, () => queryAccuracy(sql, { days: 28, by: null, now: NOW }))
  const accuracyBy = await medianMs(3, () => queryAccuracy(sql, { days: 28, by: 'country', now: NOW }))
  const erasures: number[] = []
  for (let user = 1; user <= 5; user++) erasures.push(await msOf(() => eraseUsers(sql, [`player ${user}`])))
  const { matured } = (await queryAccuracy(sql, { days: 28, by: null, now: NOW })).overall
  return [
    `${size.rows.toLocaleString('en')} predictions (${size.bytes}), buckets (${size.buckets}), ${matured.toLocaleString('en')} matured.`,
    '',
    '| question | median | limit |',
    '| --- | --: | --: |',
    ...rows,
    `| \`select count(*) from predictions\`, for comparison | ${inMs(direct)} | |`,
    `| \`/accuracy\`, 28 days | ${inMs(accuracy)} | |`,
    `| \`/accuracy\`, 28 days by country | ${inMs(accuracyBy)} | |`,
    `| \`DELETE /users/{user_id}\`, ten predictions | ${inMs(median(erasures))} | |`,
    '',
    '```',
    plan,
    '```',
  ].join('\n')
}

/** Of the one query over the totals. */
async function planOf(question: StatisticsQuery): Promise<string> {
  sent.length = 0
  await queryStatistics(sql, question)
  const { query, parameters } = sent.find(({ query }) => query.includes('from prediction_totals'))!
  const lines = await sql.unsafe<{ 'QUERY PLAN': string }[]>(
    `explain (analyze, costs off) ${query}`,
    parameters as string[],
  )
  return lines.map((line) => line['QUERY PLAN']).join('\n')
}

async function msOf(work: () => PromiseLike<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/** Of so many, after one that does not count. */
async function medianMs(rounds: number, work: () => PromiseLike<unknown>): Promise<number> {
  await work()
  const times: number[] = []
  for (let i = 0; i < rounds; i++) times.push(await msOf(work))
  return median(times)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1]!
}

function inMs(ms: number): string {
  return `${ms < 100 ? ms.toFixed(1) : ms.toFixed(0)} ms`
}
