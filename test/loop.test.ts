/**
 * docs/loop.md, command by command: seven weeks of predictions and outcomes in a log become a dataset, a model, and a decision.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadBundle } from '../src/bundle/index.ts'
import { makeVenv } from '../training/venv.ts'
import { blockOf, shell } from './document.ts'
import { EXAMPLE } from './example.ts'
import { appendAndShip, openLog } from './prediction-log/log.ts'
import { recordOf } from './prediction-log/records.ts'
import { LONG } from './long.ts'
import { dataFolder, startService, untilReady } from './service.ts'
import { logSettings } from './shared-postgres.ts'

makeVenv()

const PAGE = 'docs/loop.md'
const FIELDS = Object.keys(EXAMPLE) as (keyof typeof EXAMPLE)[]
const DAYS = 39
const PER_DAY = 60
const DAY_MS = 86_400_000

type Synthetic = typeof EXAMPLE & { readonly revenue: number }

t.test('from a log to a decision', async (t) => {
  const settings = await logSettings(t)
  const folder = dataFolder(t)
  const world = join(folder, 'world')
  await shell(`cd training
    .venv/bin/python -m day7_training synthesize --rows ${DAYS * PER_DAY} --seed 4 --out ${world}.csv
    .venv/bin/python -c 'import pandas; pandas.read_csv("${world}.csv").to_json("${world}.json", orient="records")'`)
  const rows = JSON.parse(readFileSync(`${world}.json`, 'utf8')) as Synthetic[]
  const champion = await loadBundle('artifacts/champion')
  const start = Math.floor(Date.now() / DAY_MS) * DAY_MS - (DAYS + 8) * DAY_MS
  const records = rows.map((row, i) => {
    const install = Object.fromEntries(FIELDS.map((name) => [name, row[name]])) as typeof EXAMPLE
    return {
      revenue: row.revenue,
      record: recordOf({
        time: new Date(start + Math.floor(i / PER_DAY) * DAY_MS + (i % PER_DAY) * 600_000),
        userId: `player ${i}`,
        install,
        predictedRevenue: champion.predict(champion.rowOf(install)).revenue,
      }),
    }
  })
  const log = openLog(t, { dataFolder: settings.DATA_DIR, database: { url: settings.DATABASE_URL } })
  await appendAndShip(
    log,
    records.map(({ record }) => record),
  )
  await log.recordOutcomes(
    records.map(({ record, revenue }) => ({
      ...{ predictionId: null, userId: record.userId, revenue },
      observedAt: new Date(record.time.getTime() + 7 * DAY_MS),
    })),
  )
  await log.close(10_000)

  const service = await startService(t, settings)
  await untilReady(service.url)
  const here = (command: string): string =>
    command.replaceAll('http://127.0.0.1:5001', service.url).replaceAll('/tmp/', `${folder}/`)
  const run = (holding: string): Promise<string> => shell(here(blockOf(PAGE, holding)))

  t.match(await run('curl -s'), /"complete":true/)
  t.match(await run('dataset --from'), new RegExp(`^${DAYS * PER_DAY} installs of ${DAYS} days, `))
  // Two trainings by rolling origin, twenty seconds of a core: npm run test:long.
  if (!LONG) return
  const trained = await shell(
    here(blockOf(PAGE, 'train --data')).replace('--no-mlflow', '--no-mlflow --max-trees 20'),
  )
  t.match(trained, 'holdout is by rolling origin')
  const decided = await shell(
    `(${here(blockOf(PAGE, '--dry-run')).replace('--dry-run', '--dry-run --max-trees 40')}) || [ $? -eq 3 ]`,
  )
  t.ok(decided.includes(blockOf(PAGE, 'passed  rows:')), decided)
  t.match(decided, /(would publish|refused); .*report\.html says why/)
  t.match(readFileSync(join(folder, 'retrain/report.html'), 'utf8'), '<h1>day7-revenue: ')
})

t.test('the gates of the page are the defaults', async (t) => {
  const printed = await shell(
    `cd training; .venv/bin/python -c 'import dataclasses, json; from day7_training.loop.gates import Gates; print(json.dumps(dataclasses.asdict(Gates())))'`,
  )
  const shown = blockOf(PAGE, 'recent_days =')
    .trimEnd()
    .split('\n')
    .map((line) => /^(\w+) = ([\d.]+)/.exec(line)!)
  t.same(JSON.parse(printed), Object.fromEntries(shown.map(([, name, value]) => [name, Number(value)])))
})
