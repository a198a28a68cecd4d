/**
 * docs/your-columns.md, command by command: a studio's table, its schema, a model of it, and a prediction by its columns.
 */
import { readFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { parseInputSchema, type Row, rowFromObject, valueToJson } from '../src/inputs/index.ts'
import { makeVenv } from '../training/venv.ts'
import { blocksOf, shell, splitAtTraining, trainedBy } from './document.ts'
import { dataFolder, startService, untilReady } from './service.ts'
import { logSettings, withClient } from './shared-postgres.ts'
import { until } from './until.ts'

makeVenv()

const PAGE = 'docs/your-columns.md'
const STUDIO = 'test/fixtures/studio/studio.csv'

/** As the view of the schema and the questions about its facets have them. */
async function isLogged(t: Test, url: string, database: string, curl: string, bundle: string): Promise<void> {
  const schema = parseInputSchema(JSON.parse(readFileSync(`${bundle}/inputs.json`, 'utf8')))
  const asked = JSON.parse(/-d '([^']+)'/.exec(curl)![1]!) as Record<string, unknown>
  const row = rowFromObject(schema, asked, { text: 'strict' }) as Row
  const ask = async (path: string) => (await fetch(`${url}${path}`)).json() as Promise<any>
  await until('it is logged', async () => (await ask('/stats')).total_predictions === 1)
  await withClient(database, async (sql) => {
    const [logged] = await sql`select schema_id, inputs from predictions`
    t.same(logged, {
      schema_id: schema.id,
      inputs: Object.fromEntries(
        schema.fields.map((field, at) => [field.name, valueToJson(field, row[at]!)]),
      ),
    })
    const [known] =
      await sql`select view_name, horizon_days from input_schemas where schema_id = ${schema.id}`
    t.equal(known!['horizon_days'], 7)
    const [typed] = await sql`select * from ${sql(known!['view_name'])}`
    t.match(typed, { 'Media Source': 'Facebook Ads', minutes_d0: 42, tutorial_done: true })
    t.same(typed!['Install Time'], new Date('2026-05-19T15:34:00Z'))
  })
  const { facets } = await ask('/stats')
  t.same(
    facets.map(({ facet }: { facet: string }) => facet),
    schema.withRole('facet').map(({ name }) => name),
  )
  t.same(facets[0], { facet: 'Media Source', values: [{ value: 'facebook ads', count: 1 }] })
  t.same((await ask('/stats/recent')).facets.length, facets.length)
  t.match(await ask('/accuracy?by=Media%20Source'), { overall: { matured: 0 }, groups: [] })
  t.match(await ask('/accuracy?by=country'), {
    message: /^by: expected one of model, variant, Media Source, /,
  })
}

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
  const settings = await logSettings(t)
  const service = await startService(t, { MODEL_DIR: bundle!, ...settings })
  await untilReady(service.url)
  const ask = (command: string): Promise<string> =>
    shell(command.replaceAll('http://127.0.0.1:5001', service.url).replace('curl', 'curl --silent'))
  const answer = JSON.parse(await ask(curl!)) as { predicted_revenue: number }
  t.ok(answer.predicted_revenue > 0)
  const refused = JSON.parse(await ask(curl!.replace(/"Install Time": "[^"]+", /, ''))) as object
  t.same(refused, JSON.parse(blocksOf(PAGE).find(({ language }) => language === 'json')!.text))
  await t.test('every input of the prediction is in the log', (t) =>
    isLogged(t, service.url, settings.DATABASE_URL, curl!, bundle!),
  )
  await service.stop()

  const out = dataFolder(t)
  await shell(here(predict!).replace(`${folder}/predictions.csv`, `${out}/predictions.csv`))
  const rows = readFileSync(`${out}/predictions.csv`, 'utf8').trimEnd().split(/\r?\n/)
  t.equal(rows.length, 2001)
  t.match(rows[0], /,predicted_revenue$/)
  t.match(rows[1], /,\d+(\.\d+)?$/)
})
