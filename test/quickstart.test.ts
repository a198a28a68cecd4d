/**
 * docs/quickstart.md, command by command, on other paths and another port, with fewer installs and trees; `npm ci && npm start` has
 * other tests.
 */
import { existsSync, readFileSync } from 'node:fs'
import t from 'tap'
import { makeVenv } from '../training/venv.ts'
import { blocksOf, shell, splitAtTraining, trainedBy } from './document.ts'
import { EXAMPLE } from './example.ts'
import { dataFolder, startService } from './service.ts'
import { until } from './until.ts'

makeVenv()

t.test('from a CSV to a served model', async (t) => {
  const commands = blocksOf('docs/quickstart.md').flatMap(({ language, text }) =>
    language === 'sh' ? text : [],
  )
  const [start, ...rest] = commands
  t.equal(start, 'npm ci && npm start\n')
  const last = /^MODEL_DIR=(\S+) npm start\n$/.exec(rest.pop()!)
  t.ok(last, 'the last command starts the service')
  t.equal(rest.length, 3)
  const few = rest.map((command) =>
    splitAtTraining(
      command.replace('--rows 6000', '--rows 1500').replace(/(train --data \S+)/, '$1 --max-trees 20'),
    ),
  )
  const { folder, printed } = await trainedBy('quickstart', few.map(([train]) => `(${train})\n`).join(''))
  t.match(printed, /normalisedGini +0\.\d+/)
  const [, verify] = few.at(-1)!
  t.match(await shell(verify.replaceAll('/tmp/', `${folder}/`)), /400 of 400 golden predictions equal/)
  t.ok(existsSync(`${folder}/report.html`))

  const service = await startService(t, {
    MODEL_DIR: last![1]!.replace('/tmp/', `${folder}/`),
    DATA_DIR: dataFolder(t),
    DATABASE_URL: 'off',
  })
  const answer = await fetch(`${service.url}/predict`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(EXAMPLE),
  })
  t.equal(answer.status, 200)
  const drift = await driftOf(service.url, readFileSync(`${folder}/installs.csv`, 'utf8'))
  t.ok(drift.features.length > 20, 'enough was looked at')
  t.type(drift.prediction, 'number')
  t.ok(drift.prediction < 0.1, `what the model learnt from has not drifted: ${drift.prediction}`)
  for (const { feature, psi } of drift.features) t.ok(psi < 0.1, `${feature}: ${psi}`)
  for (const path of ['/dashboard', '/docs']) t.equal((await fetch(service.url + path)).status, 200, path)
  await service.stop()
})

interface Drift {
  readonly predictions: number
  readonly prediction: number
  readonly features: readonly { readonly feature: string; readonly psi: number }[]
}

/** Of fewer predictions chance alone would make an index of some bins. */
const ENOUGH = 700

/** Of each second's predictions a hundred are looked at. */
async function driftOf(url: string, csv: string): Promise<Drift> {
  // All but the revenue, which is what is to be predicted.
  const [header, ...rows] = csv
    .trimEnd()
    .split('\n')
    .map((line) => line.slice(0, line.lastIndexOf(',')))
  let at = 0
  return until('enough is looked at', async () => {
    const body = [header, ...rows.slice(at, at + 100)].join('\n')
    const headers = { 'content-type': 'text/csv' }
    const answer = await fetch(`${url}/batch_predict`, { method: 'POST', headers, body })
    const text = await answer.text()
    if (!text.includes('"errors":0')) throw new Error(text)
    const drift = (await (await fetch(`${url}/model/drift`)).json()) as Drift
    at = (at + 100) % rows.length
    return drift.predictions >= ENOUGH && drift
  })
}
