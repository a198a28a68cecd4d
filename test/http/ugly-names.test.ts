/**
 * Fields with names that are legal and unusual: on every road they are themselves, in what is asked, answered, logged and described.
 */
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parse } from 'csv-parse/sync'
import t, { type Test } from 'tap'
import { loadBundle, verifyBundle } from '../../src/bundle/index.ts'
import { FIVE_FIELDS, PLAYER, writeFiveFields } from '../five-fields.ts'
import { score } from '../scoring/files.ts'
import { appWith, rolloutOf, send } from './app.ts'

const NAMES = [
  'with blanks within',
  "it's",
  'say "hi"',
  'a,b;c|d',
  '🎮👨‍👩‍👧',
  'مصدر',
  '2024',
  '0',
  'constructor',
  'toString',
  'hasOwnProperty',
  'length',
  'prototype',
  'back\\slash',
  'a/b~1c',
  '$ref',
  'a.b[0]',
  '%7B{}%',
  '<script>alert(1)</script>',
  '=1+1',
  '${x} `y`',
  'null',
  'x'.repeat(128),
  'line\u2028separator',
]
/** Each has a value of its own, so that none can be taken for another. */
const UGLY = Object.fromEntries(NAMES.map((name, at) => [name, at + 0.5]))
const inputs = {
  ...FIVE_FIELDS,
  target: { ...FIVE_FIELDS.target, name: '<img src=x> `LTV`', unit: '<b>€</b>' },
  fields: [
    ...FIVE_FIELDS.fields,
    ...NAMES.map((name) => ({
      name,
      kind: 'number',
      nullable: false,
      minimum: 0,
      description: `${name} */`,
    })),
  ],
}
const INSTALL = { ...PLAYER, ...UGLY }

const folder = t.testdir({})
const model = writeFiveFields(join(folder, 'ugly'), { inputs, more: UGLY })
const bundle = await loadBundle(model)
const { app, logged } = await appWith({ rollout: rolloutOf(bundle) })
t.teardown(() => app.close())
const cell = (value: unknown) => `"${String(value).replaceAll('"', '""')}"`
const columnOf = (name: string) => bundle.inputs.fields[bundle.inputs.indexOf(name)]!.column
const CSV = [Object.keys(INSTALL).map(columnOf), Object.values(INSTALL)]
  .map((row) => `${row.map(cell).join()}\n`)
  .join('')
const REVENUE = Number(bundle.predict(bundle.rowOf(INSTALL)).revenue.toFixed(6))

const isLogged = (t: Test, road: string) => {
  const install = new Map<string, unknown>(Object.entries(logged.at(-1)!.install))
  t.same(
    NAMES.map((name) => install.get(name)),
    NAMES.map((name) => UGLY[name]),
    road,
  )
}

const post = (url: string, payload: unknown, type = 'application/json') =>
  app.inject({ method: 'POST', url, headers: { 'content-type': type }, payload: payload as string })

t.test('JSON, and what is wrong', async (t) => {
  const { body } = await send(app, { method: 'POST', url: '/predict?explain=true', payload: INSTALL })
  t.equal(body.predicted_revenue, REVENUE)
  isLogged(t, '/predict')
  for (const name of NAMES) {
    const { [name]: _, ...short } = INSTALL as Record<string, unknown>
    const missing = (await post('/predict', short)).json()
    t.equal(missing.message, `${name}: expected, but it is missing`)
    const wrong = (await post('/predict', { ...INSTALL, [name]: -1 })).json()
    t.equal(wrong.message, `${name}: expected a number ≥ 0, got -1`)
  }
  const proto = await post('/predict', JSON.stringify(INSTALL).replace('{', '{"__proto__":1,'))
  t.equal(proto.statusCode, 400, 'the one name that no field has')
})

t.test('streams of NDJSON and CSV', async (t) => {
  const ndjson = await post('/batch_predict', `${JSON.stringify(INSTALL)}\n`, 'application/x-ndjson')
  t.match(JSON.parse(ndjson.body.split('\n')[0]!), { line: 1, predicted_revenue: REVENUE })
  isLogged(t, 'NDJSON')
  const csv = await post('/batch_predict', CSV, 'text/csv')
  t.match(JSON.parse(csv.body.split('\n')[0]!), { line: 2, predicted_revenue: REVENUE })
  isLogged(t, 'CSV')
})

t.test('frames of MLflow', async (t) => {
  const names = Object.keys(INSTALL)
  for (const [format, payload] of Object.entries({
    dataframe_split: { columns: names, data: [Object.values(INSTALL)] },
    dataframe_records: [INSTALL],
    instances: [INSTALL],
    inputs: Object.fromEntries(Object.entries(INSTALL).map(([name, value]) => [name, [value]])),
  })) {
    t.same((await post('/invocations', { [format]: payload })).json().predictions, [REVENUE], format)
    isLogged(t, format)
  }
})

t.test('tensors, by the names of the metadata', async (t) => {
  const { body: metadata } = await send(app, '/v2/models/five-fields')
  const values = { ...INSTALL, 'installed at': Date.UTC(2026, 11, 31, 23, 30) } as Record<string, unknown>
  const tensors = metadata.inputs
    .filter(({ name }: { name: string }) => name !== 'user_id')
    .map(({ name, datatype }: Record<string, string>) => ({
      name,
      datatype,
      shape: [1],
      data: [values[name!]],
    }))
  const answer = await post('/v2/models/five-fields/infer', { inputs: tensors })
  t.same(answer.json().outputs?.[0].data, [REVENUE])
  isLogged(t, 'tensors')
})

t.test('a file', async (t) => {
  const path = join(folder, 'ugly.csv')
  writeFileSync(path, CSV)
  const { output } = await score(path, { parts: await verifyBundle(model), explain: true })
  const [row] = parse(output, { columns: true }) as Record<string, string>[]
  t.equal(Number(row!['predicted_revenue']), REVENUE)
  t.same(
    NAMES.map((name) => Number(row![name])),
    NAMES.map((name) => UGLY[name]),
  )
})

t.test('an OpenAPI document in which Redocly finds nothing', async (t) => {
  const { body } = await send(app, '/docs/json')
  t.same(
    new Set(Object.keys(body.components.schemas.Install.properties)),
    new Set([...Object.keys(INSTALL), 'user_id']),
  )
  const path = join(folder, 'openapi.json')
  writeFileSync(path, JSON.stringify(body))
  const args = ['lint', path, '--config', 'test/contract/redocly.yaml', '--format', 'json']
  const quiet = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const { stdout } = await promisify(execFile)('node_modules/.bin/redocly', args, { env: quiet }).catch(
    (error) => error,
  )
  const { problems } = JSON.parse(stdout)
  t.same(problems, [])
  for (const type of ['application/x-ndjson', 'text/csv']) {
    const { example } = body.paths['/batch_predict'].post.requestBody.content[type]
    const [first] = (await post('/batch_predict', example, type)).body.split('\n')
    t.match(JSON.parse(first!), { predicted_revenue: /\d/ }, `the example of ${type} is answered`)
  }
})
