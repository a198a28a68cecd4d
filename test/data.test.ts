/**
 * docs/data.md: its SQL is run as it stands there, on forty installs of two days, and gives what is shown; what it gives is right;
 * its tables name every column that there is.
 */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import postgres from 'postgres'
import t from 'tap'
import type { Outcome } from '../src/prediction-log/index.ts'
import { NINE_FIELDS } from '../src/inputs/index.ts'
import { EXAMPLE } from './example.ts'
import { appendAndShip, openLog, serverPlace } from './prediction-log/log.ts'
import { recordOf } from './prediction-log/records.ts'
import { dataFolder, startService } from './service.ts'

const page = readFileSync('docs/data.md', 'utf8')
const blocks = [...page.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text!,
}))

/** The one block in a language that holds the text. */
function block(language: string, holding: string): string {
  const found = blocks.filter((block) => block.language === language && block.text.includes(holding))
  if (found.length !== 1)
    throw new Error(`expected one ${language} block with "${holding}", found ${found.length}`)
  return found[0]!.text
}

const HALF_HOUR_MS = 1_800_000
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 2, 1)
const NOW = new Date(START_MS + 12 * DAY_MS)

/** One every half an hour from 14:00 on; most pay nothing, a few pay much. The last four are not known yet. */
const INSTALLS = Array.from({ length: 40 }, (_, i) => {
  const revenue = i % 4 > 0 ? 0 : i === 16 ? 60 : i / 2
  const predictedRevenue = i === 16 ? 40 : (i % 8) / 4 + (revenue > 0 ? 5 : 0)
  const record = recordOf({
    time: new Date(START_MS + 14 * HALF_HOUR_MS * 2 + i * HALF_HOUR_MS),
    userId: `player-${i}`,
    install: {
      ...EXAMPLE,
      country: i % 5 === 4 ? null : i % 2 === 0 ? 'es' : i % 3 === 0 ? 'DE' : 'de',
      source: i % 3 === 0 ? 'Non-Organic' : 'Organic',
    },
    predictedRevenue,
    modelVersion: i < 28 ? 'ae04084cf886' : '0c1d5e6f7a8b',
  })
  return { record, revenue, isKnown: i < 36 }
})
const KNOWN = INSTALLS.filter(({ isKnown }) => isKnown)

/** Half of them by prediction, half by user; the last four too early to count. */
const OUTCOMES = INSTALLS.map(({ record, revenue, isKnown }, i): Outcome => ({
  predictionId: i % 2 === 0 ? record.predictionId : null,
  userId: i % 2 === 0 ? null : record.userId,
  revenue,
  observedAt: new Date(record.time.getTime() + (isKnown ? 8 : 6) * DAY_MS),
}))

const sum = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0)
const predicted = (some: typeof INSTALLS): number => sum(some.map(({ record }) => record.predictedRevenue))
const actual = (some: typeof INSTALLS): number => sum(some.map(({ revenue }) => revenue))

/** Largest predictions first; of equal ones the older first. */
const BY_PREDICTION = KNOWN.toSorted(
  (a, b) =>
    b.record.predictedRevenue - a.record.predictedRevenue ||
    a.record.time.getTime() - b.record.time.getTime(),
)

function grouped(some: typeof INSTALLS, keyOf: (install: (typeof INSTALLS)[number]) => string) {
  const groups = Object.groupBy(some, keyOf) as Record<string, typeof INSTALLS>
  return Object.entries(groups).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

const near = (value: number, digits: number): string => value.toFixed(digits)

/** What each query must give, by a text that it holds; worked out here from the installs. */
const EXPECTED: Readonly<Record<string, () => string[][]>> = {
  predicted_per_install: () =>
    grouped(
      INSTALLS,
      ({ record: { time, install } }) =>
        `${time.toISOString().slice(0, 10)}/${install.country?.toLowerCase() ?? 'unknown'}`,
    ).map(([key, some]) => [...key.split('/'), `${some.length}`, near(predicted(some) / some.length, 3)]),
  bias_ratio: () =>
    grouped(KNOWN, ({ record }) => record.install.source!).map(([source, some]) => [
      source,
      `${some.length}`,
      near(actual(some) / some.length, 3),
      near(predicted(some) / actual(some), 3),
      near(some.filter(({ revenue }) => revenue > 0).length / some.length, 3),
    ]),
  decile: () =>
    Array.from({ length: 10 }, (_, i) => {
      // Thirty-six in ten parts: the first six have four, the others three.
      const start = i < 6 ? i * 4 : 24 + (i - 6) * 3
      const some = BY_PREDICTION.slice(start, start + (i < 6 ? 4 : 3))
      return [
        `${i + 1}`,
        `${some.length}`,
        near(predicted(some) / some.length, 3),
        near(actual(some) / some.length, 3),
      ]
    }),
  share_of_predicted: () => {
    const top = BY_PREDICTION.slice(0, Math.ceil(0.05 * KNOWN.length))
    return [
      [
        `${KNOWN.length}`,
        `${top.length}`,
        near(predicted(top) / predicted(KNOWN), 3),
        near(actual(top) / actual(KNOWN), 3),
      ],
    ]
  },
  model_events: () =>
    grouped(INSTALLS, ({ record }) => (record.modelVersion === 'ae04084cf886' ? '1' : '2')).map(
      ([, some], i) => [
        some[0]!.record.modelVersion,
        'champion',
        inSql(new Date(some[0]!.record.time.getTime() - HALF_HOUR_MS)),
        i === 0 ? '2' : '1',
        inSql(some[0]!.record.time),
        inSql(some.at(-1)!.record.time),
        `${some.length}`,
      ],
    ),
}

const inSql = (time: Date): string => time.toISOString().slice(0, 16).replace('T', ' ')

interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** As psql prints it, but for the count of rows. */
function render({ columns, rows }: Table): string {
  const widths = columns.map((column, i) => Math.max(column.length, ...rows.map((row) => row[i]!.length)))
  const isNumber = columns.map((_, i) =>
    rows.every((row) => /^[-\d.]+$/.test(row[i]!) && !/\d-/.test(row[i]!)),
  )
  const lineOf = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!)))
      .join(' | ')
      .trimEnd()
  return [
    lineOf(columns),
    widths.map((width) => '-'.repeat(width)).join('-+-'),
    ...rows.map(lineOf),
    '',
  ].join('\n')
}

t.test('the SQL', async (t) => {
  const place = await serverPlace(t)
  const log = openLog(t, place, { now: () => NOW })
  for (const [i, { record }] of [...INSTALLS.entries()].filter(([i]) => [0, 1, 28].includes(i)))
    log.recordModelEvent({
      eventId: record.predictionId,
      time: new Date(record.time.getTime() - HALF_HOUR_MS + (i === 1 ? 1000 : 0)),
      event: 'serving',
      variant: 'champion',
      modelName: record.modelName,
      modelVersion: record.modelVersion,
      host: i === 1 ? 'two' : 'one',
      detail: null,
    })
  await appendAndShip(
    log,
    INSTALLS.map(({ record }) => record),
  )
  await log.recordOutcomes(OUTCOMES)
  while ((await place.sql((sql) => sql`select from model_events`)).length < 3);

  await t.test('a role that reads', async (t) => {
    await place.sql((sql) => sql.unsafe(block('sql', 'create role')).simple())
    const url = (place.database as { url: string }).url.replace('day7:day7', 'analyst:choose-one')
    const sql = postgres(url, { max: 1 })
    for (const table of [...TABLES, VIEW]) await t.resolves(sql`select count(*) from ${sql(table)}`.execute())
    await t.rejects(sql`delete from predictions`.execute(), { code: '42501' })
    await t.rejects(sql`select from erased_users`.execute(), { code: '42501' })
    await t.rejects(sql`select from api_keys`.execute(), { code: '42501' })
    await sql.end()
  })

  const queries = blocks.flatMap(({ language, text }, i) =>
    language === 'sql' && !text.includes('create role') ? [{ text, shown: blocks[i + 1]! }] : [],
  )
  t.equal(queries.length, Object.keys(EXPECTED).length)
  for (const [name, expected] of Object.entries(EXPECTED))
    await t.test(name, async (t) => {
      const { text, shown } = queries.find(({ text }) => text.includes(name))!
      const table = await place.sql(async (sql): Promise<Table> => {
        const rows = await sql.unsafe(text).raw()
        return {
          columns: rows.columns.map((column) => column.name),
          rows: rows.map((row) => row.map((cell) => (cell === null ? '' : cell.toString()))),
        }
      })
      t.same(table.rows, expected(), 'is right')
      t.equal(shown.text, render(table), 'is shown')
    })

  await t.test('the tables of the page name every column', async (t) => {
    const columns = await place.sql(
      (sql) => sql`
        select table_name, column_name from information_schema.columns
        where table_schema = 'public' and table_name <> ${VIEW}
          and not exists (select from pg_inherits where inhrelid = table_name::regclass)
        order by ordinal_position`,
    )
    const byTable = Object.groupBy(columns, (column) => column['table_name'] as string)
    t.same(
      Object.keys(byTable).toSorted(),
      [...TABLES, 'unsettled_minutes', 'api_keys', 'erased_users', 'day7_migrations'].toSorted(),
    )
    for (const [table, some] of Object.entries(byTable)) {
      const section = page.slice(page.indexOf(`### \`${table}\``)).split(/\n#/, 1)[0]!
      const named = [...section.matchAll(/^\| (.*?) +\|/gm)].flatMap(([, cell]) =>
        [...cell!.matchAll(/`(\w+)`/g)].map(([, name]) => name!),
      )
      t.same(named.toSorted(), some!.map((column) => column['column_name']).toSorted(), table)
    }
  })

  await t.test('the curl erases', async (t) => {
    const service = await startService(t, {
      DATA_DIR: dataFolder(t),
      DATABASE_URL: (place.database as { url: string }).url,
    })
    const [curl, answer] = block('sh', 'DELETE')
      .replace('http://127.0.0.1:5001', service.url)
      .split('\n')
      .map((line) => line.replace(/^\$ /, '')) as [string, string]
    const printed = await promisify(execFile)('bash', ['-euc', curl])
    t.equal(printed.stdout.trim(), answer)
    await service.stop()
  })
  await log.close(5000)
})

const VIEW = `predictions_of_${NINE_FIELDS.id}`

const TABLES = [
  'predictions',
  'input_schemas',
  'prediction_totals',
  'prediction_counts',
  'outcomes',
  'installs',
  'cohorts',
  'spend',
  'model_events',
  'rollout_settings',
]

t.test('the settings that it names', (t) => {
  t.match(page, `LOG_FIELDS=${NINE_FIELDS.fields.map(({ name }) => name).join(',')}\n`)
  t.end()
})
