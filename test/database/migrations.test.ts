/**
 * From every schema that was ever there to the newest one, once, with all that was logged; and the upkeep of partitions.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import t, { type Test } from 'tap'
import { NINE_FIELDS, parseInputSchema } from '../../src/inputs/index.ts'
import { migrate } from '../../src/database/migrate.ts'
import {
  appendAndShip,
  openLog,
  type Place,
  PLACES,
  recount,
  serverPlace,
  shipped,
} from '../prediction-log/log.ts'
import { PASSED_ON } from '../service.ts'
import { until } from '../until.ts'
import { recordOf } from '../prediction-log/records.ts'

const sqlOf = (version: number): string =>
  readFileSync(
    new URL(`../../src/database/sql/${String(version).padStart(4, '0')}.sql`, import.meta.url),
    'utf8',
  )
const ALL = readdirSync(new URL('../../src/database/sql/', import.meta.url)).map((file) =>
  Number.parseInt(file, 10),
)
const HOUR_MS = 3_600_000

/** As a release of that version left it. */
async function migrateTo(sql: Sql, version: number): Promise<void> {
  await sql`create table day7_migrations (version integer primary key, applied_at timestamptz not null default now())`
  for (let each = 1; each <= version; each++) {
    await sql.unsafe(sqlOf(each)).simple()
    await sql`insert into day7_migrations (version) values (${each})`
  }
}

const migrateToFirst = (sql: Sql): Promise<void> => migrateTo(sql, 1)

const versions = async (sql: Sql): Promise<number[]> =>
  (await sql`select version from day7_migrations order by version`).map((row) => row['version'])

const partitions = async (sql: Sql): Promise<string[]> =>
  (
    await sql`
      select relname::text from pg_inherits join pg_class on pg_class.oid = inhrelid
      where inhparent = 'predictions'::regclass order by 1`
  ).map((row) => row['relname'].replace('predictions_', ''))

/** Five predictions of two days, some of them with a clock that is a little off that of their ids. */
const OLD = ['00:00:00.000', '00:00:30.500', '13:59:59.999', '23:59:59.999', '24:00:00.000'].map(
  (clock, i) => {
    const [hours, minutes, seconds] = clock.split(':').map(Number) as [number, number, number]
    const madeAtMs = Date.UTC(2026, 0, 31) + (hours * 60 + minutes) * 60_000 + Math.round(seconds * 1000)
    return {
      madeAtMs,
      record: recordOf({ time: new Date(madeAtMs), predictedRevenue: i, userId: i % 2 ? null : 'a' }),
    }
  },
)

const insertOld = (sql: Sql) =>
  sql`insert into predictions ${sql(
    OLD.map(({ record, madeAtMs }, i) => ({
      prediction_id: record.predictionId,
      time: new Date(madeAtMs + i),
      user_id: record.userId,
      ...record.install,
      country: i === 4 ? null : record.install.country,
      predicted_revenue: record.predictedRevenue,
      raw_score: record.rawScore,
      inference_time_us: record.inferenceTimeUs,
      model_name: record.modelName,
      model_version: record.modelVersion,
      variant: record.variant,
    })),
  )}`

const NAMES = NINE_FIELDS.fields.map(({ name }) => name)

/** A row with a column for each of the nine fields → the same with all of them in one. */
function withInputs(row: Readonly<Record<string, unknown>>): object {
  const others = Object.entries(row).filter(([name]) => !NAMES.includes(name))
  return {
    ...Object.fromEntries(others),
    schema_id: NINE_FIELDS.id,
    inputs: Object.fromEntries(NAMES.map((name) => [name, row[name]])),
  }
}

async function keepsWhatWasLogged(t: Test, sql: Sql): Promise<void> {
  await migrateToFirst(sql)
  await insertOld(sql)
  const before = await sql`select * from predictions order by prediction_id`
  t.same(await migrate(sql), ALL.slice(1))
  t.same(await versions(sql), ALL)

  const after = await sql`select * from predictions order by prediction_id`
  t.same(
    after,
    before.map((row, i) => ({
      ...withInputs(row),
      time: new Date(OLD[i]!.madeAtMs),
      shadow_version: null,
      shadow_revenue: null,
    })),
    'every row, its time that of its id',
  )
  t.same(await partitions(sql), ['2026_01_31', '2026_02_01'])
  t.same(
    await sql`
      select start, predictions::int, revenue::float8, min_revenue, max_revenue, first, last
      from prediction_totals where resolution = 'day' order by start`,
    [
      {
        start: new Date('2026-01-31T00:00:00Z'),
        predictions: 4,
        revenue: 6,
        min_revenue: 0,
        max_revenue: 3,
        first: new Date(OLD[0]!.madeAtMs),
        last: new Date(OLD[3]!.madeAtMs),
      },
      {
        start: new Date('2026-02-01T00:00:00Z'),
        predictions: 1,
        revenue: 4,
        min_revenue: 4,
        max_revenue: 4,
        first: new Date(OLD[4]!.madeAtMs),
        last: new Date(OLD[4]!.madeAtMs),
      },
    ],
  )
  t.same(
    await sql`select start, value, predictions::int from prediction_counts
      where resolution = 'day' and dimension = 'country' order by start`,
    [
      { start: new Date('2026-01-31T00:00:00Z'), value: 'es', predictions: 4 },
      { start: new Date('2026-02-01T00:00:00Z'), value: 'unknown', predictions: 1 },
    ],
  )
  t.same(await recount(sql), [])
  t.same(await sql`select from pg_class where relname = 'predictions_0001'`, [])
  t.same(await migrate(sql), [], 'a second time there is nothing to do')
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(`${name}: from the first schema, with predictions in it`, async (t) =>
    (await placeOf(t, 'none')).sql((sql) => keepsWhatWasLogged(t, sql)),
  )

t.test('a PostgreSQL server', async (t) => {
  const placeOf = (t: Test): Promise<Place> => serverPlace(t, 'none')

  await t.test('inputs in nine columns become one, day by day', async (t) => {
    await (
      await placeOf(t)
    ).sql(async (sql) => {
      await migrateTo(sql, 4)
      await sql`select day7_make_partition('2026-01-01'::date + day) from generate_series(0, 59) as day`
      await sql`
        insert into predictions
        select
          (lpad(to_hex((extract(epoch from time) * 1000)::bigint), 12, '0') || '7' || substr(md5(i::text), 1, 3) || '8'
            || substr(md5(i::text), 4, 15))::uuid,
          time, nullif('player ' || i % 7, 'player 0'),
          (array['es', 'ES', null, E'tab\\t "quoted" \\\\ 漢字'])[1 + i % 4], nullif('r' || i % 3, 'r0'),
          (array['Organic', 'organic', 'Non-Organic', null])[1 + i % 4], 'iOS', '', '14.4', i, i / 3.0::float8,
          nullif(i % 5, 0), i / 7.0::float8, -0.1, 5, 'day7-revenue', '1', 'champion',
          nullif((i % 2)::text, '0'), nullif(i % 2, 0)
        from (
          select i, date_trunc('milliseconds', '2026-01-01Z'::timestamptz + i * interval '9 hours 23 minutes 7.123 seconds') as time
          from generate_series(0, 150) as i
        ) as made`
      await sql`select day7_recount(hour) from (select distinct date_trunc('hour', time, 'UTC') as hour from predictions) as h`
      await sql`delete from prediction_totals where resolution = 'minute' and start < '2026-02-20Z'`
      await sql`delete from prediction_counts where resolution = 'minute' and start < '2026-02-20Z'`
      const before = await sql`select * from predictions order by prediction_id`
      const bounds = () =>
        sql`select relname::text, pg_get_expr(relpartbound, pg_class.oid) from pg_inherits join pg_class on pg_class.oid = inhrelid
            where inhparent = 'predictions'::regclass order by 1`
      const partitionsBefore = await bounds()
      t.equal(partitionsBefore.length, 60)

      t.same(await migrate(sql), ALL.slice(4))
      t.same(await sql`select * from predictions order by prediction_id`, before.map(withInputs))
      t.same(await bounds(), partitionsBefore, 'the same days')
      t.same(
        await sql`select indexrelid::regclass::text from pg_index where indrelid = 'predictions_2026_01_01'::regclass order by 1`,
        ['pkey', 'time_idx', 'user_id_idx'].map((name) => ({ indexrelid: `predictions_2026_01_01_${name}` })),
      )
      t.same(await sql`select relname from pg_class where relname like '%0004%'`, [])
      const minutes = await sql`select distinct dimension from prediction_counts
        where resolution = 'minute' and start < '2026-02-20Z'`
      t.same(minutes, [], 'minutes that were given up stay so')
      await sql`delete from predictions where time < '2026-02-20Z'`
      await sql`delete from prediction_totals where start < '2026-02-20Z'`
      await sql`delete from prediction_counts where start < '2026-02-20Z'`
      t.same(await recount(sql), [], 'also by source')
      const [seed] = await sql`select * from input_schemas`
      t.match(seed, {
        schema_id: NINE_FIELDS.id,
        document: NINE_FIELDS.document as object,
        facets: ['country', 'source', 'platform'],
        horizon_days: 7,
      })
      t.equal(parseInputSchema(seed!['document']).id, NINE_FIELDS.id)
      const typed =
        await sql`select country, event_2, event_3, user_id from ${sql(seed!['view_name'])} order by prediction_id`
      const last = before.slice(-typed.length)
      t.same(
        typed,
        last.map(({ country, event_2, event_3, user_id }) => ({ country, event_2, event_3, user_id })),
      )
    })
  })

  await t.test('by the command, with the address in a file', async (t) => {
    const { database } = await placeOf(t)
    const file = join(t.testdir(), 'database_url')
    writeFileSync(file, `${(database as { url: string }).url}\n`)
    const run = (environment: Record<string, string>) =>
      spawnSync(process.execPath, ['src/cli.ts', 'migrate'], {
        encoding: 'utf8',
        env: { ...PASSED_ON, ...environment },
      })
    const applied = { status: 0, stdout: `applied migrations ${ALL.join(', ')}\n` }
    t.match(run({ DATABASE_URL_FILE: file }), applied)
    t.match(run({ DATABASE_URL_FILE: file }), { status: 0, stdout: 'the schema is the newest\n' })
    t.match(run({}), { status: 2, stderr: /DATABASE_URL: expected the server to migrate/ })
    t.match(run({ DATABASE_URL: 'postgres://127.0.0.1:9/none' }), { status: 1, stderr: /ECONNREFUSED/ })
  })

  await t.test('from an empty database', async (t) => {
    await (
      await placeOf(t)
    ).sql(async (sql) => {
      t.same(await migrate(sql), ALL)
      t.same(await versions(sql), ALL)
      t.same(await sql`select from predictions`, [])
      t.same(await partitions(sql), [])
      t.same(await migrate(sql), [])
    })
  })

  await t.test('a log goes on where the first release ended', async (t) => {
    const place = await placeOf(t)
    await place.sql(async (sql) => {
      await migrateToFirst(sql)
      await insertOld(sql)
    })
    const now = (): Date => new Date('2026-02-01T12:00:00Z')
    const log = openLog(t, place, { now })
    // What the first release has written may still wait in somebody's spool.
    await appendAndShip(log, [
      ...OLD.map(({ record }) => record),
      recordOf({ time: now(), predictedRevenue: 8 }),
    ])
    t.match(await log.statistics({ window: 'all', bucket: null, facets: [], now: now() }), {
      totalPredictions: 6,
      avgPredictedRevenue: 3,
      topCountries: [
        { country: 'es', count: 5 },
        { country: 'unknown', count: 1 },
      ],
    })
    await log.close(5000)
    t.same(await place.sql(recount), [])
  })

  await t.test('four that start together migrate once', async (t) => {
    const { database } = await placeOf(t)
    const clients = Array.from({ length: 4 }, () =>
      postgres((database as { url: string }).url, { max: 1, onnotice: () => {} }),
    )
    const applied = await Promise.all(clients.map((sql) => migrate(sql)))
    t.same(
      applied.toSorted((a, b) => a.length - b.length),
      [[], [], [], ALL],
    )
    t.same(await versions(clients[0]!), ALL)
    await Promise.all(clients.map((sql) => sql.end()))
  })

  await t.test(
    'a migration that fails leaves all as it was, and succeeds when the obstacle is gone',
    async (t) => {
      await (
        await placeOf(t)
      ).sql(async (sql) => {
        await migrateToFirst(sql)
        await insertOld(sql)
        await sql`create table outcomes (of text)`
        await t.rejects(migrate(sql), { code: '42P07', message: /outcomes/ })
        t.same(await versions(sql), [1])
        t.equal((await sql`select from predictions`).length, OLD.length)
        await sql`delete from predictions where prediction_id = ${OLD[0]!.record.predictionId}`
        await t.rejects(migrate(sql))
        await sql`drop table outcomes`
        t.same(await migrate(sql), ALL.slice(1))
        t.equal((await sql`select from predictions`).length, OLD.length - 1)
        t.same(await recount(sql), [])
      })
    },
  )

  await t.test('a log whose migration fails waits, and ships when the obstacle is gone', async (t) => {
    const place = await placeOf(t)
    await place.sql((sql) => sql`create table outcomes (of text)`)
    const log = openLog(t, place)
    await log.append([recordOf({ time: new Date() })])
    await until('it backs off', () => log.status().state === 'backing-off')
    t.equal(log.status().lastError, '42P07')
    await place.sql((sql) => sql`drop table outcomes`)
    await shipped(log)
    t.equal(log.status().shipped, 1)
  })

  await t.test('two that need a partition at the same time make it once', async (t) => {
    const place = await placeOf(t)
    await place.sql(async (first) => {
      await migrate(first)
      await place.sql(async (second) => {
        let alsoMade: Promise<unknown> | undefined
        await first.begin(async (transaction) => {
          await transaction`select day7_make_partition('2026-03-10')`
          alsoMade = second`select day7_make_partition('2026-03-10')`.execute()
          const waiting = () => transaction`select from pg_locks where locktype = 'advisory' and not granted`
          while ((await waiting()).length === 0);
        })
        await alsoMade
        t.same(await partitions(second), ['2026_03_10'])
      })
    })
  })

  await t.test(
    'a partition that was detached, such as today’s to be archived, is in nobody’s way',
    async (t) => {
      const place = await placeOf(t)
      const log = openLog(t, place)
      await appendAndShip(log, [recordOf({ time: new Date() })])
      await place.sql(async (sql) => {
        const [{ today }] = await sql<
          [{ today: string }]
        >`select to_char(now() at time zone 'UTC', 'YYYY_MM_DD') as today`
        await sql.unsafe(`alter table predictions detach partition predictions_${today}`)
        await appendAndShip(log, [recordOf({ time: new Date() }), recordOf({ time: new Date() })])
        t.match(log.status(), { shipped: 3, quarantined: 0 })
        t.equal((await sql`select from predictions`).length, 2)
        t.ok((await partitions(sql)).includes(`${today}_2`))
      })
      await log.close(5000)
    },
  )

  await t.test('every table can be replicated', async (t) => {
    const place = await placeOf(t)
    const log = openLog(t, place)
    await appendAndShip(log, [recordOf()])
    await log.close(5000)
    await place.sql(async (sql) => {
      const without = await sql`
        select relname from pg_class
        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace
          and not exists (select from pg_index where indrelid = pg_class.oid and indisprimary)`
      t.same([...without], [])
    })
  })

  await t.test('upkeep makes partitions ahead, and drops what is older than the retention', async (t) => {
    const place = await placeOf(t)
    const today = new Date('2026-03-10T12:00:00Z')
    const hoursBefore = (hours: number): Date => new Date(Date.UTC(2026, 2, 10) - hours * HOUR_MS)
    // Its own upkeep goes by the clock of the database, and would drop all of it.
    const log = openLog(t, place, { now: () => today, retentionDays: 36_500 })
    // The retention of thirty days, and one more, begins with the 7th of February, that of minutes with the 7th of March.
    const times = [24 * 40, 24 * 31 + 1 / 3600, 24 * 31, 24 * 10, 72 + 1 / 60, 72, 1].map(hoursBefore)
    await appendAndShip(
      log,
      times.map((time) => recordOf({ time, userId: time.toISOString() })),
    )
    await log.recordOutcomes([{ predictionId: null, userId: 'kept', revenue: 1, observedAt: today }])
    await log.eraseUsers(['erased today'])
    await log.close(5000)

    await place.sql(async (sql) => {
      const starts = async (resolution: string): Promise<Date[]> =>
        (await sql`select start from prediction_totals where resolution = ${resolution} order by start`).map(
          (row) => row['start'],
        )
      const countsWithoutTotals = sql`
        select from prediction_counts where (resolution, start) not in (select resolution, start from prediction_totals)`
      t.equal((await starts('minute')).length, times.length)
      await sql`insert into outcomes (user_id, revenue, observed_at, received_at) values ('old', 1, ${today}, ${times[1]!})`
      await sql`insert into erased_users values (sha256('x'), ${times[1]!}), (sha256('y'), ${times[2]!})`
      await sql`select day7_maintain(${today}::date, 30)`
      t.same(
        (await sql`select time from predictions order by time`).map((row) => row['time']),
        times.slice(2),
      )
      const ahead = (await partitions(sql)).filter((day) => day > '2026_03_09' && day < '2026_04')
      t.same(
        [ahead[0], ahead.at(-1), ahead.length],
        ['2026_03_10', '2026_03_17', 8],
        'today and seven days ahead are there',
      )
      t.same((await partitions(sql)).slice(0, 4), ['2026_02_07', '2026_02_28', '2026_03_06', '2026_03_07'])
      t.same(
        await starts('day'),
        [...new Set(times.slice(2).map((time) => time.toISOString().slice(0, 10)))].map(
          (day) => new Date(day),
        ),
      )
      t.equal((await starts('hour')).length, 5)
      t.same(await starts('minute'), times.slice(-2))
      t.same(await countsWithoutTotals, [])
      t.same(await sql`select user_id from outcomes`, [{ user_id: 'kept' }])
      t.equal((await sql`select from erased_users`).length, 2)
      t.same(await sql`select user_hash from erased_users where user_hash = sha256('x')`, [])

      const once = await partitions(sql)
      await sql`select day7_maintain(${today}::date, 30)`
      t.same(await partitions(sql), once)
    })

    const reopened = openLog(t, place, { now: () => today, retentionDays: 36_500 })
    await appendAndShip(reopened, [
      recordOf({ time: times[0]! }),
      recordOf({ time: new Date('2027-12-31T23:59:59.999Z') }),
    ])
    t.equal(
      (await reopened.statistics({ window: 'all', bucket: null, facets: [], now: today })).totalPredictions,
      times.length - 2 + 2,
      'a record of a day that has no partition gets one',
    )
    await reopened.close(5000)
  })
})
