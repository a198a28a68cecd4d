/**
 * A database whose settings are not the usual ones: whatever is written comes back the same.
 */
import t from 'tap'
import { v4 as uuidv4 } from 'uuid'
import { openKeyTable } from '../../src/prediction-log/index.ts'
import { dataFolder } from '../service.ts'
import { newDatabase, withClient } from '../shared-postgres.ts'
import { until } from '../until.ts'
import { appendAndShip, openLog, recount } from './log.ts'
import { recordOf } from './records.ts'

const NOW = new Date('2026-02-03T04:05:06.789Z')
const HOUR_MS = 3_600_000

/** Of a database, as an administrator may have set them for other programs. */
const SETTINGS: Readonly<Record<string, string>> = {
  datestyle: `'SQL, DMY'`,
  timezone: `'Asia/Kathmandu'`,
  intervalstyle: `'sql_standard'`,
  bytea_output: `'escape'`,
  extra_float_digits: '0',
  lc_monetary: `'C'`,
  standard_conforming_strings: 'off',
  backslash_quote: 'off',
  default_transaction_isolation: `'serializable'`,
}

for (const style of [`'SQL, DMY'`, `'German'`, `'Postgres, MDY'`])
  t.test(`a database with the date style ${style}`, async (t) => {
    const url = await newDatabase(t)
    const name = new URL(url).pathname.slice(1)
    await withClient(url, async (sql) => {
      for (const [setting, value] of Object.entries({ ...SETTINGS, datestyle: style }))
        await sql.unsafe(`alter database ${name} set ${setting} = ${value}`)
    })
    const keys = openKeyTable({ url })
    const key = {
      id: 'a1b2c3d4e5f6',
      name: 'a key',
      hash: 'a'.repeat(64),
      salt: 'b'.repeat(32),
      scopes: ['read'] as const,
      created: NOW,
      expires: new Date(NOW.getTime() + 86_400_000),
      revoked: null,
      replacedBy: null,
    }
    await keys.add(key, null)
    const [kept] = await keys.list()
    t.same([kept?.created, kept?.expires], [NOW, key.expires])
    t.same((await keys.revoke(key.id, NOW))?.revoked, NOW)
    await keys.close()

    const log = openLog(t, { dataFolder: dataFolder(t), database: { url } }, { now: () => NOW })
    const made = new Date(NOW.getTime() - HOUR_MS)
    const record = recordOf({ time: made, userId: "a\\b'c", predictedRevenue: 0.1 + 0.2 })
    await appendAndShip(log, [record, recordOf({ time: made, predictedRevenue: 1 })])
    await log.recordOutcomes([
      {
        predictionId: record.predictionId,
        userId: null,
        revenue: 2,
        observedAt: new Date('2026-02-12T00:00:00Z'),
      },
    ])
    const statistics = await log.statistics({ window: '24h', bucket: 'hour', facets: ['country'], now: NOW })
    t.match(statistics, {
      totalPredictions: 2,
      firstPrediction: made,
      lastPrediction: made,
      from: new Date('2026-02-02T04:00:00Z'),
      buckets: [{ start: new Date('2026-02-03T03:00:00Z'), totalPredictions: 2 }],
    })
    t.match(await log.accuracy({ days: 28, by: 'country', now: NOW }), {
      overall: { matured: 1, biasRatio: (0.1 + 0.2) / 2 },
    })
    t.match(await log.recent({ now: NOW, atMost: 100, facets: ['country'] }), { predictions: 2 })
    log.recordModelEvent({
      eventId: uuidv4(),
      time: made,
      event: 'serving',
      variant: 'champion',
      modelName: 'm',
      modelVersion: '1',
      host: 'here',
      detail: null,
    })
    await until('the event is written', async () => (await log.modelEvents(10)).length === 1)
    t.match(await log.modelEvents(10), [{ time: made }])
    const experiment = await log.experiment({ champion: '1', challenger: '2', days: 28, now: NOW })
    t.ok(experiment)
    await withClient(url, async (sql) => t.same(await recount(sql), []))
    t.same(await log.eraseUsers(["a\\b'c"]), [{ userId: "a\\b'c", predictions: 1, outcomes: 1 }])
    t.match(log.status(), { lastError: null, quarantined: 0 })
  })
