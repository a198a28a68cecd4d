/**
 * The inputs of any schema, from the spool to typed columns: what was predicted for is found in the database, and counted by its facets.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { type InputSchema, NINE_FIELDS, parseInputSchema, type Row } from '../../src/inputs/index.ts'
import type { PredictionLogOptions } from '../../src/prediction-log/prediction-log.ts'
import { columnNames } from '../../src/prediction-log/tables/input-view.ts'
import { FIVE_FIELDS } from '../five-fields.ts'
import {
  appendAndShip,
  leaveInSpool,
  openLog,
  type Place,
  PLACES,
  recount,
  serverPlace,
  shipped,
} from './log.ts'
import { nineColumnsOf } from './nine-columns.ts'
import { recordOf, type TestRecord } from './records.ts'

const NOW = new Date('2026-03-10T12:00:00.000Z')
const now = (): Date => NOW
const DAY_MS = 86_400_000

const schemaOf = (fields: readonly object[], horizonDays = 3): InputSchema =>
  parseInputSchema({ format: 'day7-inputs/1', fields, target: { name: 'the target', horizonDays } })

const FIVE = parseInputSchema(FIVE_FIELDS)
const INSTALLED_MS = Date.UTC(2026, 2, 1, 5, 6, 7)
const FIVE_ROW: Row = ['PE', 2.5, 1, INSTALLED_MS, null]

const of = (inputs: InputSchema, row: Row, others: Partial<TestRecord> = {}) =>
  recordOf({ time: NOW, inputs, row, ...others })

interface View {
  readonly id: string
  readonly view: string | null
  readonly rows: readonly Readonly<Record<string, unknown>>[]
}

const viewsOf = (place: Place): Promise<View[]> =>
  place.sql(async (sql) => {
    const rows = await sql<{ id: string; view: string | null }[]>`
      select schema_id as id, view_name as view from input_schemas where schema_id <> ${NINE_FIELDS.id}`
    return Promise.all(
      rows.map(async ({ id, view }) => ({
        id,
        view,
        rows: view === null ? [] : await sql`select * from ${sql(view)} order by user_id`,
      })),
    )
  })

/** What it warns of. */
function warnings(): { readonly said: string[]; readonly logger: PredictionLogOptions['logger'] } {
  const said: string[] = []
  return { said, logger: { info: () => {}, warn: (_, message) => void said.push(message), error: () => {} } }
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(`${name}: two schemas in one spool, with views and counts of their own`, async (t) => {
    const place = await placeOf(t)
    await leaveInSpool(t, place.dataFolder, [
      of(FIVE, FIVE_ROW, { userId: 'a' }),
      of(NINE_FIELDS, recordOf().row, { userId: 'b' }),
      of(FIVE, [null, 1e300, null, null, 5e-324], { userId: 'c' }),
    ])
    const log = openLog(t, place, { now })
    await shipped(log)
    t.match(log.status(), { shipped: 3, quarantined: 0 })
    const facets = ['Country Code', 'is "new", or not', 'source']
    const statistics = await log.statistics({ window: 'all', bucket: null, facets, now: NOW })
    t.same(statistics.facets, [
      {
        facet: 'Country Code',
        values: [
          { value: 'pe', count: 1 },
          { value: 'unknown', count: 1 },
        ],
      },
      {
        facet: 'is "new", or not',
        values: [
          { value: 'true', count: 1 },
          { value: 'unknown', count: 1 },
        ],
      },
      { facet: 'source', values: [{ value: 'organic', count: 1 }] },
    ])
    t.same(statistics.topCountries, [{ country: 'es', count: 1 }], 'one schema has it')
    await log.close(5000)

    const inputs = await place.sql((sql) => sql`select inputs, schema_id from predictions order by user_id`)
    t.same(inputs, [
      {
        schema_id: FIVE.id,
        inputs: {
          'Country Code': 'PE',
          '💰 spend': 2.5,
          'is "new", or not': true,
          'installed at': '2026-03-01T05:06:07.000Z',
          sessions: null,
        },
      },
      { schema_id: NINE_FIELDS.id, inputs: recordOf().install },
      {
        schema_id: FIVE.id,
        inputs: {
          'Country Code': null,
          '💰 spend': 1e300,
          'is "new", or not': null,
          'installed at': null,
          sessions: 5e-324,
        },
      },
    ])
    const [five] = await viewsOf(place)
    t.match(five!.rows[0], {
      user_id: 'a',
      time: NOW,
      predicted_revenue: 0.25,
      variant: 'champion',
      'Country Code': 'PE',
      '💰 spend': 2.5,
      'is "new", or not': true,
      'installed at': new Date(INSTALLED_MS),
      sessions: null,
    })
    t.match(five!.rows[1], { user_id: 'c', '💰 spend': 1e300, sessions: 5e-324 })
    t.equal(five!.rows.length, 2, 'those of the schema alone')
    t.same(await place.sql(recount), [])
  })

t.test('a PostgreSQL server', async (t) => {
  await t.test('lines of an earlier release are shipped among those of today', async (t) => {
    const place = await serverPlace(t)
    const record = recordOf({ time: NOW, userId: 'today' })
    const old = [
      recordOf({ time: NOW, userId: 'tab\t "quote" back\\slash\n' }),
      recordOf({
        time: NOW,
        userId: null,
        install: { ...recordOf().install, country: 'a\t\\"\n漢', event_3: null },
      }),
    ]
    const shadow = { ...old[0]!, predictedRevenue: 7, modelVersion: 'new', variant: 'shadow' }
    await leaveInSpool(t, place.dataFolder, [record, of(FIVE, FIVE_ROW, { userId: 'today too' })])
    const spool = join(place.dataFolder, 'spool')
    writeFileSync(join(spool, 'gone-000001.segment'), [...old, shadow].map(nineColumnsOf).join(''))
    const log = openLog(t, place, { now })
    await shipped(log)
    t.match(log.status(), { shipped: 5, quarantined: 0 })
    await log.close(5000)
    const rows = await place.sql(
      (sql) => sql`select user_id, schema_id, inputs, shadow_version, shadow_revenue from predictions
        where prediction_id = any (${old.map(({ predictionId }) => predictionId)}::uuid[])`,
    )
    const found = old.map(({ userId }) => rows.find((row) => row['user_id'] === userId))
    t.same(
      found,
      old.map(({ userId, install }, at) => ({
        user_id: userId,
        schema_id: NINE_FIELDS.id,
        inputs: install,
        shadow_version: at === 0 ? 'new' : null,
        shadow_revenue: at === 0 ? 7 : null,
      })),
    )
    t.equal(await place.sql(async (sql) => (await sql`select from predictions`).length), 4)
    t.same(await place.sql(recount), [])
  })

  await t.test('of lines of an earlier release that are refused, the original is set aside', async (t) => {
    const place = await serverPlace(t)
    const lines = [recordOf({ time: NOW }), recordOf({ time: NOW, userId: 'a\0b' })].map(nineColumnsOf)
    await leaveInSpool(t, place.dataFolder, [])
    const spool = join(place.dataFolder, 'spool')
    writeFileSync(join(spool, 'gone-000001.segment'), lines.join(''))
    const log = openLog(t, place, { now })
    await shipped(log)
    t.match(log.status(), { shipped: 1, quarantined: 1 })
    const [file] = readdirSync(join(spool, 'quarantine'))
    t.match(file, /-\d{6}\.segment$/)
    t.equal(readFileSync(join(spool, 'quarantine', file!), 'utf8'), lines[1])
  })

  await t.test('names that are hard on a view', async (t) => {
    const place = await serverPlace(t)
    const long = 'é'.repeat(40)
    const names = [
      'time',
      'variant',
      `${long} one`,
      `${long} two`,
      "it's",
      'a"b\\c',
      '😀'.repeat(20),
      'time_2',
      'select',
      'ctid',
      'a b',
    ]
    const schema = schemaOf(names.map((name) => ({ name, kind: 'text' })))
    const log = openLog(t, place, { now })
    await appendAndShip(log, [
      of(
        schema,
        names.map((_, at) => `value ${at}`),
      ),
    ])
    await log.close(5000)
    const [{ view, rows }] = (await viewsOf(place)) as [View]
    const columns = columnNames(schema.fields)
    t.same(columns, [
      'time_3',
      'variant_2',
      'é'.repeat(31),
      `${'é'.repeat(30)}_2`,
      "it's",
      'a"b\\c',
      '😀'.repeat(15),
      'time_2',
      'select',
      'ctid',
      'a b',
    ])
    for (const [at, column] of columns.entries()) t.equal(rows[0]![column], `value ${at}`, column)
    const comments = await place.sql(
      (sql) => sql`select col_description(attrelid, attnum) as comment from pg_attribute
        where attrelid = ${view}::regclass and attname = 'time_3'`,
    )
    t.same(comments, [{ comment: 'the field "time"' }])
  })

  await t.test('a view that cannot be made stops nothing', async (t) => {
    const place = await serverPlace(t)
    const fields = Array.from({ length: 2000 }, (_, at) => ({ name: `field ${at}`, kind: 'number' }))
    const schema = schemaOf([{ name: 'source', kind: 'text', roles: ['facet'] }, ...fields.slice(1)])
    const { said, logger } = warnings()
    const log = openLog(t, place, { now, logger })
    const row = ['organic', ...fields.slice(1).map((_, at) => at)]
    await appendAndShip(log, [of(schema, row)])
    await appendAndShip(log, [of(schema, row)])
    t.match(log.status(), { shipped: 2, quarantined: 0, failures: 0 })
    t.equal(said.length, 1, 'said once')
    t.match(said[0], /the view predictions_of_\w+ of the input schema \w+ cannot be made/)
    await log.close(5000)
    t.match(await viewsOf(place), [{ id: schema.id, view: null }])
    t.same(await place.sql(recount), [])
  })

  await t.test('a record that is larger than all that is read at once', async (t) => {
    const place = await serverPlace(t)
    const schema = schemaOf(
      Array.from({ length: 100 }, (_, at) => ({ name: `text ${at}`, kind: 'text', maxLength: 10_000 })),
    )
    const log = openLog(t, place, { now })
    const row = schema.fields.map(() => '"\n😀'.repeat(2000))
    await appendAndShip(log, [recordOf({ time: NOW }), of(schema, row), recordOf({ time: NOW })])
    t.match(log.status(), { shipped: 3, quarantined: 0 })
    await log.close(5000)
    const [{ rows }] = (await viewsOf(place)) as [View]
    t.equal(rows[0]!['text 99'], row[99])
  })

  await t.test('a facet of any length is counted', async (t) => {
    const place = await serverPlace(t)
    const schema = schemaOf([{ name: 'campaign', kind: 'text', maxLength: 10_000, roles: ['facet'] }])
    const log = openLog(t, place, { now })
    // Of texts that are equal in what is counted, there is one.
    const texts = ['a', 'b'].map(
      (end) => Array.from({ length: 5000 }, (_, at) => String.fromCodePoint(0x4e00 + at)).join('') + end,
    )
    await appendAndShip(
      log,
      texts.map((text) => of(schema, [text])),
    )
    const { facets } = await log.statistics({ window: 'all', bucket: null, facets: ['campaign'], now: NOW })
    t.same(facets[0]!.values, [{ value: texts[0]!.slice(0, 256), count: 2 }])
    await log.close(5000)
    t.same(await place.sql(recount), [])
  })

  await t.test('predictions without the document of their schema, and its document later', async (t) => {
    const place = await serverPlace(t)
    await leaveInSpool(t, place.dataFolder, [of(FIVE, FIVE_ROW)])
    const document = join(place.dataFolder, 'spool', 'schemas', `${FIVE.id}.json`)
    renameSync(document, `${document}.away`)
    const { said, logger } = warnings()
    const log = openLog(t, place, { now, logger })
    await shipped(log)
    t.match(log.status(), { shipped: 1, quarantined: 0 })
    t.match(said, [new RegExp(`no document of the input schema ${FIVE.id}`)])
    const counts = async () =>
      (await log.statistics({ window: 'all', bucket: null, facets: ['Country Code'], now: NOW })).facets[0]!
        .values
    t.same(await counts(), [])
    const accuracy = { days: 28, by: 'Country Code', now: NOW }
    await log.recordOutcomes([
      {
        predictionId: null,
        userId: 'player 1',
        revenue: 1,
        observedAt: new Date(NOW.getTime() + 30 * DAY_MS),
      },
    ])
    t.match(await log.accuracy(accuracy), { overall: { matured: 0 }, groups: [] })
    await log.close(5000)
    t.same(await place.sql(recount), [])

    renameSync(`${document}.away`, document)
    const later = openLog(t, place, { now })
    await appendAndShip(later, [of(FIVE, FIVE_ROW)])
    const { overall, groups } = await later.accuracy(accuracy)
    t.same([overall.matured, groups!.length], [1, 1], 'its installs have facets and a horizon')
    await later.close(5000)
    t.same(await place.sql(recount), [], 'those that came before are counted, too')
    const [five] = await viewsOf(place)
    t.equal(five!.rows.length, 2)
    rmSync(document)
  })

  await t.test('accuracy goes by the horizon and the facets of each schema', async (t) => {
    const place = await serverPlace(t)
    const three = schemaOf([{ name: 'Media Source', kind: 'text', roles: ['facet'] }], 3)
    const half = schemaOf([{ name: 'Media Source', kind: 'text', roles: ['facet'] }], 0.5)
    const time = new Date(NOW.getTime() - 8 * DAY_MS)
    const records = [
      recordOf({ time, inputs: three, row: ['Facebook Ads'], predictedRevenue: 1 }),
      recordOf({ time, inputs: three, row: ['facebook ads'], predictedRevenue: 2 }),
      recordOf({ time, inputs: half, row: [null], predictedRevenue: 3 }),
      recordOf({ time, predictedRevenue: 4 }),
    ].map((record, i) => ({ ...record, userId: `player ${i}` }))
    const log = openLog(t, place, { now })
    await appendAndShip(log, records)
    const observe = (days: number) =>
      log.recordOutcomes(
        records.map(({ predictionId }) => ({
          predictionId,
          userId: null,
          revenue: 0,
          observedAt: new Date(time.getTime() + days * DAY_MS),
        })),
      )
    const asked = async (by: string | null) => {
      const { overall, groups } = await log.accuracy({ days: 28, by, now: NOW })
      return [overall.matured, groups?.map(({ value, matured, mae }) => [value, matured, mae])]
    }
    await observe(0.5 - 1e-6)
    t.same(await asked(null), [0, undefined])
    await observe(0.5)
    t.same(await asked('Media Source'), [1, [['unknown', 1, 3]]])
    await observe(3)
    t.same(await asked('Media Source'), [
      3,
      [
        ['facebook ads', 2, 1.5],
        ['unknown', 1, 3],
      ],
    ])
    await observe(7)
    t.same(
      await asked('Media Source'),
      [
        4,
        [
          ['facebook ads', 2, 1.5],
          ['unknown', 1, 3],
        ],
      ],
      'the nine fields have no such facet',
    )
    t.same(await asked('country'), [4, [['es', 1, 4]]])
    await log.close(5000)
  })
})
