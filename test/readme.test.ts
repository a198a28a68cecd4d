/**
 * What the README says happens: its commands are run as they stand there, on other paths and another port. `npm ci && npm test` is
 * what runs this; `npm start` and `npm run champion` have their own tests.
 */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import t from 'tap'
import { SETTINGS } from '../src/config/index.ts'
import { makeVenv } from '../training/venv.ts'
import { embeddedFolder } from './embedded.ts'
import { EXAMPLE } from './example.ts'
import { dataFolder, startService } from './service.ts'

makeVenv() // the commands of training expect it
const execute = promisify(execFile)
const readme = readFileSync('README.md', 'utf8')
const blocks = [...readme.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, text]) => ({
  language,
  text: text!,
}))

/** The one block that holds the text. */
function block(holding: string): string {
  const found = blocks.filter(({ text }) => text.includes(holding))
  if (found.length !== 1) throw new Error(`expected one block with "${holding}", found ${found.length}`)
  return found[0]!.text
}

/** Runs are logged to a store of the test's own, not to the one in training/. */
const store = (folder: string) => ({ ...process.env, MLFLOW_TRACKING_URI: `sqlite:///${folder}/mlflow.db` })

const shell = async (script: string, env = process.env) =>
  (await execute('bash', ['-euc', script], { maxBuffer: 1e8, env })).stdout

t.test('the curl gets what is shown', async (t) => {
  const service = await startService(t, { DATA_DIR: await embeddedFolder(t) })
  const answer = JSON.parse(
    await shell(block('127.0.0.1:5001/predict').replace('http://127.0.0.1:5001', service.url)),
  )
  const shown = JSON.parse(block('"predicted_revenue"'))
  t.same(Object.keys(answer), Object.keys(shown))
  t.equal(answer.predicted_revenue, shown.predicted_revenue)
  t.same(answer.model, shown.model)
  await service.stop()
})

t.test('outcomes are taken as shown', async (t) => {
  const service = await startService(t, { DATA_DIR: await embeddedFolder(t) })
  while ((await fetch(`${service.url}/health/ready`)).status !== 200) await delay(20)
  const answer = JSON.parse(
    await shell(block('127.0.0.1:5001/outcomes').replace('http://127.0.0.1:5001', service.url)),
  )
  t.same(answer, JSON.parse(block('"accepted"')))
  await service.stop()
})

t.test('from a CSV to a served model', async (t) => {
  const folder = await embeddedFolder(t)
  const here = (script: string) => script.replaceAll('/tmp/', `${folder}/`).replaceAll(/^\$ /gm, '')
  const lines = here(block('day7_training train')).trimEnd()
  const start = /^MODEL_DIR=(\S+) npm start$/m.exec(lines)
  t.ok(start, 'the last line starts the service')
  // How many trees at most is the only thing that is changed.
  const few = lines.replace(start![0], '').replace(/(train --data \S+)/, '$1 --max-trees 50')
  const printed = await shell(few, store(folder))
  t.match(printed, /normalisedGini +0\.\d+/)
  t.match(printed, /400 of 400 golden predictions equal/)

  const service = await startService(t, { MODEL_DIR: start![1]!, DATA_DIR: folder })
  const replay = here(block('day7_training replay')).replace('http://127.0.0.1:5001', service.url)
  t.equal(await shell(replay), block('of 6000 equal'))
  await service.stop()
})

t.test('a file is predicted, and a bundle shown', async (t) => {
  const folder = dataFolder(t)
  const fields = Object.keys(EXAMPLE) as (keyof typeof EXAMPLE)[]
  const row = fields.map((field) => EXAMPLE[field]).join()
  writeFileSync(join(folder, 'installs.csv'), `${fields.join()}\n${row}\n`)
  const printed = await shell(block('day7 -- predict').replaceAll('/tmp/', `${folder}/`))
  t.match(printed, /^day7-revenue ae04084cf886\n\nstate +verified/)
  const shown = JSON.parse(block('"predicted_revenue"'))
  t.match(readFileSync(join(folder, 'predictions.csv'), 'utf8'), `${row},${shown.predicted_revenue}\n`)
})

t.test('a CSV is inspected, and models are compared on it', async (t) => {
  const folder = dataFolder(t)
  const lines = block('day7_training compare').replaceAll('/tmp/', `${folder}/`)
  const synthesize = `(cd training && .venv/bin/python -m day7_training synthesize --rows 1500 --seed 1 --out ${folder}/installs.csv)`
  // All thirteen models take minutes; which ones is the only thing that is changed.
  const few = lines.replace(/(compare --data \S+)/, '$1 --folds 2 --models "ridge,lightgbm l1"')
  const printed = await shell(`${synthesize}\n${few}`, store(folder))
  t.match(printed, /1500 installs, \d+ findings/)
  t.match(printed, /best that can be served: lightgbm l1/)
  t.ok(existsSync(`${folder}/report.html`))
})

t.test('what the documents point to exists', (t) => {
  const docs = readdirSync('docs').flatMap((file) => (file.endsWith('.md') ? `docs/${file}` : []))
  for (const file of ['README.md', 'README.es.md', 'CONTRIBUTING.md', ...docs]) {
    const text = readFileSync(file, 'utf8')
    for (const [, target] of text.matchAll(/\]\((?!http)([^)#]+)\)/g))
      t.ok(existsSync(file.includes('/') ? `docs/${target}` : target!), `${file} → ${target}`)
  }
  for (const [, script] of readme.matchAll(/npm run (\w+)/g))
    t.ok(JSON.parse(readFileSync('package.json', 'utf8')).scripts[script!], `npm run ${script}`)
  for (const [, name] of readme.matchAll(/`([A-Z]+_[A-Z_]+|HOST|PORT)`/g))
    t.ok(
      SETTINGS.some((setting) => setting.name === name),
      name!,
    )
  t.end()
})
