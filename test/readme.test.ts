/**
 * What the README says happens: its commands are run as they stand there, on other paths and another port. `npm ci && npm test` is
 * what runs this; `npm start` and `npm run champion` have their own tests.
 */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { makeVenv } from '../training/venv.ts'
import { blockOf, shell, splitAtTraining, trainedBy } from './document.ts'
import { dataFolder, startService, untilReady } from './service.ts'
import { logSettings } from './shared-postgres.ts'

makeVenv()
const README = 'README.md'
const block = (holding: string): string => blockOf(README, holding)

t.test('the curls get what is shown', async (t) => {
  const service = await startService(t, await logSettings(t))
  const answer = JSON.parse(
    await shell(block('127.0.0.1:5001/predict').replace('http://127.0.0.1:5001', service.url)),
  )
  const shown = JSON.parse(block('"predicted_revenue"'))
  t.same(Object.keys(answer), Object.keys(shown))
  t.equal(answer.predicted_revenue, shown.predicted_revenue)
  t.same(answer.model, shown.model)
  await untilReady(service.url)
  const outcomes = await shell(block('127.0.0.1:5001/outcomes').replace('http://127.0.0.1:5001', service.url))
  t.same(JSON.parse(outcomes), JSON.parse(block('"accepted"')))
  await service.stop()
})

t.test('from a CSV to a served model', async (t) => {
  const lines = block('day7_training train').trimEnd()
  const start = /^MODEL_DIR=(\S+) npm start.*$/m.exec(lines)
  t.ok(start, 'the last line starts the service')
  // How many trees at most is the only thing that is changed.
  const few = lines.replace(start![0], '').replace(/(train --data \S+)/, '$1 --max-trees 20')
  const [train, verify] = splitAtTraining(few)
  const { folder, printed } = await trainedBy('readme', train)
  const here = (script: string) => script.replaceAll('/tmp/', `${folder}/`)
  t.match(printed, /normalisedGini +0\.\d+/)
  t.match(await shell(here(verify)), /400 of 400 golden predictions equal/)

  const service = await startService(t, {
    MODEL_DIR: here(start![1]!),
    DATA_DIR: dataFolder(t),
    DATABASE_URL: 'off',
  })
  const replay = here(block('day7_training replay')).replace('http://127.0.0.1:5001', service.url)
  t.equal(await shell(replay), block('of 6000 equal'))
  await service.stop()
})

t.test('a file is predicted, and a bundle shown', async (t) => {
  const folder = dataFolder(t)
  const printed = await shell(block('day7 -- predict').replaceAll('/tmp/', `${folder}/`))
  t.match(printed, /^day7-revenue ae04084cf886\n\nstate +verified/m)
  const [installs, predictions] = ['installs', 'predictions'].map((name) =>
    readFileSync(join(folder, `${name}.csv`), 'utf8')
      .trimEnd()
      .split('\n'),
  )
  t.equal(predictions!.length, 1 + 6000)
  t.equal(predictions![0], `${installs![0]},predicted_revenue`)
  for (const [at, line] of predictions!.slice(1, 20).entries())
    t.match(line.slice(installs![at + 1]!.length), /^,\d+(\.\d+)?$/)
})

t.test('a CSV is inspected, and models are compared on it', async (t) => {
  const lines = block('day7_training compare')
  const synthesize =
    '(cd training && .venv/bin/python -m day7_training synthesize --rows 1500 --seed 1 --out /tmp/installs.csv)'
  // All thirteen models take minutes; which ones is the only thing that is changed.
  const few = lines.replace(/(compare --data \S+)/, '$1 --folds 2 --models "ridge,lightgbm l1"')
  const { folder, printed } = await trainedBy('readme-compare', `${synthesize}\n${few}`)
  t.match(printed, /1500 installs, \d+ findings/)
  t.match(printed, /best that can be served: lightgbm l1/)
  t.ok(existsSync(`${folder}/report.html`))
})
