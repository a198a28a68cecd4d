/**
 * The figures of `/accuracy` are those that the training report gives for the same predictions and revenue.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { json } from 'node:stream/consumers'
import t, { type Test } from 'tap'
import { PYTHON } from '../../training/venv.ts'
import { type AccuracyFigures, type Outcome, type PredictionLog } from '../../src/prediction-log/index.ts'
import { appendAndShip, openLog, type Place, PLACES, randomFrom, serverPlace } from './log.ts'
import { recordOf, type TestRecord } from './records.ts'

const NOW = new Date('2026-03-20T00:00:00.000Z')
const now = (): Date => NOW
const HOUR_MS = 3_600_000
const MATURES_AFTER_MS = 168 * HOUR_MS

const after = ({ time }: TestRecord, ms: number): Date => new Date(time.getTime() + ms)

const outcomeOf = (record: TestRecord, revenue: number, afterMs = MATURES_AFTER_MS): Outcome => ({
  predictionId: record.predictionId,
  userId: null,
  revenue,
  observedAt: after(record, afterMs),
})

const ofUser = (record: TestRecord, revenue: number, afterMs = MATURES_AFTER_MS): Outcome => ({
  ...outcomeOf(record, revenue, afterMs),
  predictionId: null,
  userId: record.userId,
})

const overall = async (log: PredictionLog, days = 28): Promise<AccuracyFigures> =>
  (await log.accuracy({ days, by: null, now: NOW })).overall

const NOTHING: AccuracyFigures = { matured: 0, mae: null, rmse: null, biasRatio: null, normalisedGini: null }

interface Pair {
  readonly record: TestRecord
  readonly actual: number
}

/** Half of them brought nothing, and many predictions are equal. */
function randomPairs(count: number, seed: number): Pair[] {
  const random = randomFrom(seed)
  const one = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!
  return Array.from({ length: count }, (_, i) => {
    const actual = random() < 0.5 ? 0 : random() < 0.5 ? Math.ceil(random() * 5) : random() * 300
    return {
      actual,
      record: recordOf({
        time: new Date(NOW.getTime() - Math.floor((8 + random() * 19) * 24 * HOUR_MS)),
        userId: `player ${i}`,
        install: {
          ...recordOf().install,
          country: one(['es', 'ES', 'fr', 'us', null]),
          platform: one(['iOS', 'android', 'Android']),
        },
        predictedRevenue:
          random() < 0.4 ? one([0, 0.5, 2]) : Math.round((actual * 0.4 + random() * 50) * 1e6) / 1e6,
        modelVersion: one(['1', '2']),
        variant: one(['champion', 'champion', 'challenger']),
      }),
    }
  })
}

const GROUPS = ['model', 'variant', 'country', 'platform'] as const

const GROUP_OF: Readonly<Record<(typeof GROUPS)[number], (record: TestRecord) => string>> = {
  model: ({ modelName, modelVersion }) => `${modelName}/${modelVersion}`,
  variant: ({ variant }) => variant,
  country: ({ install }) => install.country?.toLowerCase() ?? 'unknown',
  platform: ({ install }) => install.platform?.toLowerCase() ?? 'unknown',
}

const MEASURE = `
import json, sys, numpy
from day7_training.evaluation.metrics import measure
cases = json.load(sys.stdin)
json.dump([measure(numpy.array(case["actual"]), numpy.array(case["predicted"])) for case in cases], sys.stdout)`

/** What the training report says of each. */
async function measure(cases: readonly (readonly Pair[])[]): Promise<AccuracyFigures[]> {
  const python = spawn(PYTHON, ['-c', MEASURE], {
    cwd: resolve('training'),
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(python, 'exit')
  python.stdin.end(
    JSON.stringify(
      cases.map((pairs) => ({
        actual: pairs.map(({ actual }) => actual),
        predicted: pairs.map(({ record }) => record.predictedRevenue),
      })),
    ),
  )
  const measured = (await json(python.stdout)) as (AccuracyFigures & { rows: number })[]
  await ended
  return measured.map(({ rows, mae, rmse, biasRatio, normalisedGini }) => ({
    matured: rows,
    mae,
    rmse,
    biasRatio,
    normalisedGini,
  }))
}

const FIGURES = ['mae', 'rmse', 'biasRatio', 'normalisedGini'] as const
/** The Gini's order is that of ranks of half a percent, each of which counts as one revenue. */
const toleranceOf = (figure: (typeof FIGURES)[number], wanted: number): number =>
  figure === 'normalisedGini' ? 2e-4 : 1e-12 * Math.abs(wanted)

function equal(t: Test, found: AccuracyFigures, wanted: AccuracyFigures, of: string): void {
  t.equal(found.matured, wanted.matured, `${of}: matured`)
  for (const figure of FIGURES) {
    const [a, b] = [found[figure], wanted[figure]]
    const same = a === null || b === null ? a === b : Math.abs(a - b) <= toleranceOf(figure, b)
    t.ok(same, `${of}: ${figure}`, { found: a, wanted: b })
  }
}

async function agreesWithPython(t: Test, place: Place): Promise<void> {
  const log = openLog(t, place, { now })
  const pairs = randomPairs(500, 7)
  t.ok(pairs.filter(({ actual }) => actual === 0).length > 200, 'many bring nothing')
  await appendAndShip(
    log,
    pairs.map(({ record }) => record),
  )
  // A third is reported by user.
  await log.recordOutcomes(
    pairs.map(({ record, actual }, i) => (i % 3 === 0 ? ofUser(record, actual) : outcomeOf(record, actual))),
  )
  const groupsBy = GROUPS.map((by) =>
    Object.entries(Object.groupBy(pairs, ({ record }) => GROUP_OF[by](record))),
  )
  const wanted = await measure([pairs, ...groupsBy.flatMap((groups) => groups.map(([, some]) => some!))])
  equal(t, await overall(log), wanted.shift()!, 'overall')
  for (const [i, by] of GROUPS.entries()) {
    const { groups, overall } = await log.accuracy({ days: 28, by, now: NOW })
    t.equal(overall.matured, pairs.length)
    t.same(
      groups!.map(({ value }) => value).toSorted(),
      groupsBy[i]!.map(([value]) => value).toSorted(),
      `every ${by}`,
    )
    const sizes = groups!.map(({ matured }) => matured)
    t.same(
      sizes,
      sizes.toSorted((a, b) => b - a),
      'the largest first',
    )
    for (const [value] of groupsBy[i]!)
      equal(
        t,
        groups!.find((group) => group.value === value)!,
        wanted.shift()!,
        `${by} ${value}`,
      )
  }
  await log.close(5000)
}

for (const [name, placeOf] of Object.entries(PLACES))
  t.test(`${name}: the figures are those of the training report`, async (t) =>
    agreesWithPython(t, await placeOf(t)),
  )

t.test('a PostgreSQL server', async (t) => {
  const logOf = async (t: Test, records: readonly TestRecord[]): Promise<PredictionLog> => {
    const log = openLog(t, await serverPlace(t), { now })
    await appendAndShip(log, records)
    return log
  }
  let users = 0
  /** Of a new user. */
  const agedRecord = (days: number, overrides: Partial<TestRecord> = {}): TestRecord =>
    recordOf({
      time: new Date(NOW.getTime() - days * 24 * HOUR_MS),
      userId: `aged ${++users}`,
      ...overrides,
    })

  await t.test('what is undefined is null', async (t) => {
    const records = [0.5, 0, 2].map((predictedRevenue, i) =>
      agedRecord(10, { predictedRevenue, variant: `${i}` }),
    )
    const log = await logOf(t, records)
    t.same(await log.accuracy({ days: 28, by: null, now: NOW }), {
      from: new Date('2026-02-20T00:00:00.000Z'),
      overall: NOTHING,
      groups: null,
    })
    t.same((await log.accuracy({ days: 28, by: 'variant', now: NOW })).groups, [], 'nothing has matured')

    await log.recordOutcomes(records.map((record) => outcomeOf(record, 3)))
    t.match(
      await overall(log),
      { matured: 3, biasRatio: 2.5 / 9, normalisedGini: null },
      'all revenue is equal',
    )

    await log.recordOutcomes(records.map((record) => outcomeOf(record, 0)))
    t.match(
      await overall(log),
      { matured: 3, mae: 2.5 / 3, biasRatio: null, normalisedGini: null },
      'there was no revenue',
    )

    await log.recordOutcomes([outcomeOf(records[1]!, 4)])
    const { groups } = await log.accuracy({ days: 28, by: 'variant', now: NOW })
    t.same(
      groups!.map(({ value, biasRatio, normalisedGini }) => [value, biasRatio, normalisedGini]),
      [
        ['0', null, null],
        ['1', 0, null],
        ['2', null, null],
      ],
      'of a single prediction',
    )
    t.ok((await overall(log)).normalisedGini! < 0, 'upside down')
  })

  await t.test('a prediction matures when the horizon of its model is over', async (t) => {
    const record = agedRecord(10, { predictedRevenue: 1 })
    const log = await logOf(t, [record])
    await log.recordOutcomes([outcomeOf(record, 5, MATURES_AFTER_MS - 1), ofUser(record, 5, 0)])
    t.same(await overall(log), NOTHING, 'revenue that was counted before is not all of it')
    await log.recordOutcomes([ofUser(record, 6)])
    t.match(await overall(log), { matured: 1, mae: 5 }, 'the user’s is counted late enough')
    await log.recordOutcomes([outcomeOf(record, 8)])
    t.match(await overall(log), { matured: 1, mae: 7 }, 'the prediction’s own comes before the user’s')
  })

  await t.test('an install counts once, by its first prediction', async (t) => {
    const records = [
      agedRecord(9, { userId: 'a', predictedRevenue: 3 }),
      agedRecord(12, { userId: 'a', predictedRevenue: 1 }),
      agedRecord(11, { userId: 'a', predictedRevenue: 7 }),
      agedRecord(9, { userId: 'b' }),
      agedRecord(9, { userId: null }),
    ]
    const log = await logOf(t, records)
    await log.recordOutcomes([ofUser(records[0]!, 4)])
    t.match(await overall(log), { matured: 1, mae: 3 }, 'the first, and nobody else’s')
    await log.recordOutcomes([outcomeOf(records[2]!, 6)])
    t.match(
      await overall(log),
      { matured: 1, mae: 5 },
      'an outcome of any of the predictions is the install’s',
    )
  })

  await t.test('a senseless prediction spoils its own figures, not the answer', async (t) => {
    const records = [agedRecord(9, { predictedRevenue: 1e300 }), agedRecord(9, { predictedRevenue: 2e300 })]
    const log = await logOf(t, records)
    await log.recordOutcomes([outcomeOf(records[0]!, 5), outcomeOf(records[1]!, 1e308)])
    const { matured, mae, rmse, biasRatio } = await overall(log)
    t.equal(matured, 2)
    for (const figure of [mae, rmse, biasRatio]) t.ok(Number.isFinite(figure), String(figure))
  })

  await t.test('a window holds the predictions of the last so many days', async (t) => {
    const atItsStart = agedRecord(14)
    const records = [
      atItsStart,
      recordOf({ time: after(atItsStart, -1), userId: 'just before' }),
      agedRecord(20),
      agedRecord(29),
    ]
    const log = await logOf(t, records)
    await log.recordOutcomes(records.map((record) => outcomeOf(record, 1)))
    const matured = async (days: number): Promise<number> => (await overall(log, days)).matured
    t.equal(await matured(13), 0)
    t.equal(await matured(14), 1, 'its first millisecond is in, the one before is not')
    t.equal(await matured(28), 3)
    t.equal(await matured(29), 4)
  })
})
