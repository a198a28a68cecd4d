/**
 * docs/your-columns.md, command by command: a studio's table, its schema, a model of it, and a prediction by its columns.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { makeVenv } from '../training/venv.ts'
import { blocksOf, shell, splitAtTraining, trainedBy } from './document.ts'
import { dataFolder, startService, untilReady } from './service.ts'

makeVenv()

const PAGE = 'docs/your-columns.md'
const STUDIO = 'test/fixtures/studio/studio.csv'

t.test('from a table to a prediction', async (t) => {
  const [describe, train, start, curl, predict] = blocksOf(PAGE).flatMap(({ language, text }) =>
    language === 'sh' ? text : [],
  )
  const shown = blocksOf(PAGE).find(({ language }) => language === '')!

  const [propose] = splitAtTraining(describe!.replace('npm run venv\n', ''))
  const [fit, verify] = splitAtTraining(train!.replace('train --data', 'train --max-trees 20 --data'))
  const { folder, printed } = await trainedBy('your-columns', `(${propose})\n(${fit})\n`, [STUDIO])
  const here = (text: string): string => text.replaceAll('/tmp/', `${folder}/`)
  t.ok(printed.startsWith(shown.text), 'what the page shows')
  t.match(printed, /normalisedGini +0\.[6-9]/)
  t.match(await shell(here(verify)), /(\d+) of \1 golden predictions equal/)

  const [, bundle] = /^MODEL_DIR=(\S+) npm start\n$/.exec(here(start!))!
  const service = await startService(t, {
    MODEL_DIR: bundle!,
    DATA_DIR: dataFolder(t),
    DATABASE_URL: 'off',
  })
  await untilReady(service.url)
  const ask = (command: string): Promise<string> =>
    shell(command.replaceAll('http://127.0.0.1:5001', service.url).replace('curl', 'curl --silent'))
  const answer = JSON.parse(await ask(curl!)) as { predicted_revenue: number }
  t.ok(answer.predicted_revenue > 0)
  const refused = JSON.parse(await ask(curl!.replace(/"Install Time": "[^"]+", /, ''))) as object
  t.same(refused, JSON.parse(blocksOf(PAGE).find(({ language }) => language === 'json')!.text))
  await service.stop()

  const out = dataFolder(t)
  await shell(here(predict!).replace(`${folder}/predictions.csv`, `${out}/predictions.csv`))
  const rows = readFileSync(`${out}/predictions.csv`, 'utf8').trimEnd().split(/\r?\n/)
  t.equal(rows.length, 2001)
  t.match(rows[0], /,predicted_revenue$/)
  t.match(rows[1], /,\d+(\.\d+)?$/)
})
