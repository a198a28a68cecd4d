/**
 * An erased user is nowhere any more: not in the tables, not in the statistics, not in a quarantine, and not in what a process
 * that was cut off brings later. Everybody else is left alone.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TransactionSql } from 'postgres'
import t, { type Test } from 'tap'
import { LogUnavailableError, type Outcome, type PredictionRecord } from '../../src/prediction-log/index.ts'
import { LineBuffer } from '../../src/prediction-log/spool/line-buffer.ts'
import { dataFolder } from '../service.ts'
import {
  appendAndShip,
  leaveInSpool,
  NOWHERE,
  openLog,
  type Place,
  PLACES,
  recount,
  serverPlace,
  shipped,
} from './log.ts'
import { recordOf } from './records.ts'

/** The database's clock decides. */
const NOW = new Date()
const now = (): Date => NOW
const HOUR_MS = 3_600_000
const NOTHING = { predictions: 0, outcomes: 0 }

const ERASED = `o'brien "; drop table outcomes; -- \t\\N\n\\ ü😀`
const OTHERS = ['player 1', `o'brien`, ERASED.toUpperCase(), `${ERASED} `, '\\N', '', null]

const madeAt = (hoursAgo: number, userId: string | null, predictedRevenue = 1): PredictionRecord =>
  recordOf({ time: new Date(NOW.getTime() - hoursAgo * HOUR_MS), userId, predictedRevenue })

const ofPrediction = ({ predictionId }: PredictionRecord): Outcome => ({
  predictionId,
  userId: null,
  revenue: 1,
  observedAt: NOW,
})

const ofUser = (userId: string): Outcome => ({ predictionId: null, userId, revenue: 1, observedAt: NOW })

/** Every user of a table, as often as he is there. */
const usersIn = (place: Place, table: 'predictions' | 'outcomes'): Promise<(string | null)[]> =>
  place.sql(async (sql) => (await sql`select user_id from ${sql(table)}`).map((row) => row['user_id']))

const sorted = (users: readonly (string | null)[]) => users.toSorted((a, b) => (`${a}` < `${b}` ? -1 : 1))

async function erases(t: Test, place: Place): Promise<void> {
  const log = openLog(t, place, { now })
  // The extremes of every bucket are his.
  const his = [madeAt(0, ERASED, 0), madeAt(1, ERASED, 1000), madeAt(30, ERASED, 0), madeAt(31, ERASED, 1000)]
  const others = OTHERS.flatMap((user, i) => [madeAt(1 + i / 60, user, i), madeAt(30 + i, user, i)])
  // Of a process whose clock is ahead.
  const ahead = madeAt(-1, ERASED, 3)
  await appendAndShip(log, [...his.slice(1), ...others, ahead])
  await log.recordOutcomes([
    ofUser(ERASED),
    ...his.slice(0, 2).map(ofPrediction),
    ...[ahead, ...others.slice(0, 2)].map(ofPrediction),
    ...OTHERS.filter((user) => user !== null).map(ofUser),
  ])
  // The last one is erased while it waits in the spool.
  await log.append(his.slice(0, 1))
  t.same(await log.eraseUsers([ERASED]), [{ userId: ERASED, predictions: 5, outcomes: 4 }])
  t.same(await log.eraseUsers([ERASED]), [{ userId: ERASED, ...NOTHING }], 'once is enough')
  t.same(await log.eraseUsers(['nobody']), [{ userId: 'nobody', ...NOTHING }])
  t.match(await log.statistics({ window: 'all', bucket: null, facets: [], now: NOW }), {
    totalPredictions: others.length,
    minPredictedRevenue: 0,
    maxPredictedRevenue: OTHERS.length - 1,
    firstPrediction: new Date(NOW.getTime() - (30 + OTHERS.length - 1) * HOUR_MS),
    lastPrediction: others[0]!.time,
  })
  await log.close(5000)
  const left = others.map(({ userId }) => userId)
  t.same(sorted(await usersIn(place, 'predictions')), sorted(left), 'nobody else is touched')
  t.same(
    sorted(await usersIn(place, 'outcomes')),
    sorted([null, null, ...OTHERS.filter((user) => user !== null)]),
  )
  t.same(await place.sql(recount), [], 'the statistics are those of who is left')

  const later = new Date(Date.now() + 1000)
  const reopened = openLog(t, place, { now: () => later })
  await appendAndShip(reopened, [...his, recordOf({ time: later, userId: ERASED })])
  t.equal(
    (await reopened.statistics({ window: 'all', bucket: null, facets: [], now: later })).totalPredictions,
    others.length + 1,
    'what was made before the erasure stays away, what was made after it is kept',
  )
  await reopened.close(5000)
  t.same(await place.sql(recount), [])
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(`${name} forgets`, async (t) => erases(t, await placeOf(t)))

t.test('a PostgreSQL server', async (t) => {
  await t.test(
    'what waits in the spool of a process that is cut off is left out when it arrives',
    async (t) => {
      const place = await serverPlace(t)
      const elsewhere = { ...place, dataFolder: dataFolder(t) }
      const kept = [madeAt(1, 'player 1'), madeAt(2, null)]
      // The last one is of a host whose clock is ahead: nobody knows when it was made.
      const his = [madeAt(0, ERASED), madeAt(50, ERASED), madeAt(-1, ERASED)]
      await leaveInSpool(t, elsewhere.dataFolder, [...kept, ...his])
      const log = openLog(t, place, { now })
      t.same(await log.eraseUsers([ERASED]), [{ userId: ERASED, ...NOTHING }])
      const back = openLog(t, elsewhere, { now })
      await shipped(back)
      t.match(back.status(), { shipped: 5, erased: 3 }, 'they are counted')
      t.equal(back.status().quarantined, 0)
      t.equal(
        (await log.statistics({ window: 'all', bucket: null, facets: [], now: NOW })).totalPredictions,
        kept.length,
      )
      t.same(sorted(await usersIn(place, 'predictions')), sorted(kept.map(({ userId }) => userId)))
      t.same(await place.sql(recount), [])
    },
  )

  await t.test('a shipment that is under way does not slip through', async (t) => {
    const place = await serverPlace(t)
    const shipping = openLog(t, place, { now })
    const erasing = openLog(t, { ...place, dataFolder: dataFolder(t) }, { now })
    await Promise.all([shipped(shipping), shipped(erasing)])
    const untilOneWaits = async (sql: TransactionSql, kind: string): Promise<void> => {
      while ((await sql`select from pg_locks where not granted and locktype = ${kind}`).length === 0);
    }
    let erasure: Promise<unknown> | undefined
    await place.sql((sql) =>
      sql.begin(async (transaction) => {
        // The shipment has inserted the prediction, and cannot count it yet.
        await transaction`lock table prediction_counts in share mode`
        await shipping.append([madeAt(1, ERASED), madeAt(1, 'player 1')])
        await untilOneWaits(transaction, 'relation')
        erasure = erasing.eraseUsers([ERASED])
        await Promise.race([erasure, untilOneWaits(transaction, 'advisory').catch(() => {})])
      }),
    )
    t.same(await erasure, [{ userId: ERASED, predictions: 1, outcomes: 0 }], 'the erasure waits for it')
    await shipped(shipping)
    t.same(await usersIn(place, 'predictions'), ['player 1'])
    t.equal(shipping.status().lastError, null)
    t.same(await place.sql(recount), [])
  })

  await t.test('many at once, each with their own', async (t) => {
    const place = await serverPlace(t)
    const log = openLog(t, place, { now })
    const [one, two] = [madeAt(1, '.'), madeAt(2, '..')]
    await appendAndShip(log, [one, madeAt(3, '.'), two, madeAt(1, 'other')])
    await log.recordOutcomes([ofPrediction(two), ofUser('..'), ofUser('only an outcome'), ofUser('other')])
    const many = Array.from({ length: 30 }, (_, i) => `nobody ${i}`)
    t.same(await log.eraseUsers(['..', '.', 'only an outcome', '.', ...many]), [
      { userId: '..', predictions: 1, outcomes: 2 },
      { userId: '.', predictions: 2, outcomes: 0 },
      { userId: 'only an outcome', predictions: 0, outcomes: 1 },
      { userId: '.', predictions: 2, outcomes: 0 },
      ...many.map((userId) => ({ userId, ...NOTHING })),
    ])
    t.same(await usersIn(place, 'predictions'), ['other'])
    t.same(await usersIn(place, 'outcomes'), ['other'])
    t.same(await place.sql(recount), [])
  })

  await t.test('his lines leave the quarantine, whole or torn', async (t) => {
    const place = await serverPlace(t)
    const line = (userId: string | null): string => {
      const lines = new LineBuffer(null)
      lines.append(madeAt(1, userId))
      return lines.take().toString()
    }
    const folder = join(place.dataFolder, 'spool', 'quarantine')
    const others = OTHERS.map(line)
    await mkdir(folder, { recursive: true })
    await writeFile(
      join(folder, 'mixed'),
      [...others, line(ERASED), 'no record\n', line(ERASED).slice(5)].join(''),
    )
    await writeFile(join(folder, 'others'), others.join(''))
    const log = openLog(t, place, { now })
    await log.eraseUsers([ERASED])
    t.equal(await readFile(join(folder, 'mixed'), 'utf8'), `${others.join('')}no record\n`)
    t.equal(await readFile(join(folder, 'others'), 'utf8'), others.join(''))
  })

  await t.test('without a database nothing is promised', async (t) => {
    const log = openLog(t, { ...(await serverPlace(t)), database: NOWHERE })
    await t.rejects(log.eraseUsers([ERASED]), LogUnavailableError)
    await log.append([madeAt(1, ERASED)])
    await t.rejects(log.eraseUsers([ERASED]), LogUnavailableError)
  })
})
