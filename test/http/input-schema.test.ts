/**
 * What the service takes follows the model that answers: its fields, kinds and bounds, on every road; and models with other inputs come and
 * go while it answers.
 */
import { join } from 'node:path'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import type { App } from '../../src/http/index.ts'
import { EXAMPLE, EXAMPLE_ROW } from '../example.ts'
import { FIVE_FIELDS, PLAYER, writeFiveFields } from '../five-fields.ts'
import { appWith, rolloutOf, send } from './app.ts'

const folder = t.testdir({})
const nine = await loadBundle('artifacts/champion')
const five = await loadBundle(writeFiveFields(join(folder, 'five')))
const NAMES = Object.keys(PLAYER)
const COLUMNS = FIVE_FIELDS.fields.map(({ name, column = name }: { name: string; column?: string }) => column)
const REVENUE = Number(five.predict(five.rowOf(PLAYER)).revenue.toFixed(6))
const NINE_REVENUE = Number(nine.predict(EXAMPLE_ROW).revenue.toFixed(6))

const { app, logged } = await appWith({ rollout: rolloutOf(five) })
t.teardown(() => app.close())

const predict = (of: App, payload: object) => send(of, { method: 'POST', url: '/predict', payload })
const stream = async (of: App, type: string, payload: string) => {
  const response = await of.inject({
    method: 'POST',
    url: '/batch_predict',
    headers: { 'content-type': type },
    payload,
  })
  return response.body
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}
const cell = (value: unknown) => `"${String(value ?? '').replaceAll('"', '""')}"`
const csv = (...rows: unknown[][]) => rows.map((row) => row.map(cell).join()).join('\n')

t.test('POST /predict, and why', async (t) => {
  const { status, body } = await send(app, {
    method: 'POST',
    url: '/predict?explain=true',
    payload: { ...PLAYER, user_id: 'a' },
  })
  t.equal(status, 200)
  t.equal(body.predicted_revenue, REVENUE)
  t.same(body.explanation, five.explain(five.rowOf(PLAYER)))
  t.match(logged.at(-1), { userId: 'a', modelName: 'five-fields', install: { '💰 spend': 2.5 } })
  const { sessions: _, ...short } = PLAYER
  t.equal((await predict(app, short)).status, 200, 'a field that is not required may be left out')
  const epoch = { ...PLAYER, 'installed at': Date.UTC(2026, 11, 31, 23, 30) / 1000 }
  t.equal((await predict(app, epoch)).body.predicted_revenue, REVENUE)
})

t.test('what is wrong is named by the field, whatever it is called', async (t) => {
  const { '💰 spend': _, ...poor } = PLAYER
  const wrong: [object, string][] = [
    [{ ...PLAYER, '💰 spend': -1 }, '💰 spend: expected a number ≥ 0, got -1'],
    [{ ...PLAYER, '💰 spend': 1e7 }, '💰 spend: expected a number ≤ 1000000, got 10000000'],
    [{ ...PLAYER, '💰 spend': null }, '💰 spend: expected number, got null'],
    [poor, '💰 spend: expected, but it is missing'],
    [{ ...PLAYER, 'is "new", or not': 1 }, 'is "new", or not: expected boolean or null, got 1'],
    [
      { ...PLAYER, 'installed at': '31/02/2026' },
      'installed at: expected time as day/month/year, in ISO 8601 or as epoch, got "31/02/2026"',
    ],
    [
      { ...PLAYER, 'Country Code': 'x'.repeat(257) },
      'Country Code: expected at most 256 characters, got 257',
    ],
    [{ ...PLAYER, country: 'es' }, `country: unknown field; expected only ${NAMES.join(', ')}, user_id`],
    [EXAMPLE, 'Country Code: expected, but it is missing'],
    [[], 'body: expected object, got array []'],
    [{ ...PLAYER, user_id: '' }, 'user_id: expected 1 or more characters, got 0'],
  ]
  for (const [payload, message] of wrong) {
    const { status, body } = await predict(app, payload)
    t.same([status, body.code, body.message], [400, 'FST_ERR_VALIDATION', message], message)
  }
})

t.test('many: JSON, lines of JSON, CSV by the names of the columns', async (t) => {
  const { body } = await send(app, {
    method: 'POST',
    url: '/batch_predict',
    payload: { users: [PLAYER, { ...PLAYER, sessions: 'many' }] },
  })
  t.equal(body.predictions[0].predicted_revenue, REVENUE)
  t.equal(body.predictions[1].error, 'sessions: expected number or null, got string "many"')
  const lines = await stream(
    app,
    'application/x-ndjson',
    `${JSON.stringify(PLAYER)}\n${JSON.stringify(EXAMPLE)}\n`,
  )
  t.match(lines, [
    { line: 1, predicted_revenue: REVENUE },
    { line: 2, error: '💰 spend: expected, but it is missing' },
  ])
  const rows = [
    [...COLUMNS, 'player'],
    ['pe ', '2.5', 'YES', '2026-12-31 23:30', '12', 'a'],
    ['N/A', '2.5', 'maybe', '', '', 'b'],
  ]
  const [first, second] = await stream(app, 'text/csv', csv(...rows))
  t.match(first, { line: 2, predicted_revenue: REVENUE })
  t.same(second, { line: 3, error: 'is "new", or not: expected true or false, got "maybe"' })
  t.match(logged.at(-1), { userId: 'a', install: { 'is "new", or not': 1 } })
  const [short] = await stream(app, 'text/csv', csv(COLUMNS.slice(0, -1), ['pe', '2.5', 'n', '1798761600']))
  t.match(short, { line: 2, predicted_revenue: /\d/ }, 'a column that is not required may be left out')
  const header = await app.inject({
    method: 'POST',
    url: '/batch_predict',
    headers: { 'content-type': 'text/csv' },
    payload: csv(NAMES, Object.values(PLAYER)),
  })
  t.match(header.json().message, /^header: expected the columns country_code, .*; missing: country_code$/)
})

t.test('frames and tensors', async (t) => {
  const invoked = await send(app, {
    method: 'POST',
    url: '/invocations',
    payload: { dataframe_split: { columns: NAMES, data: [Object.values(PLAYER)] } },
  })
  t.same(invoked.body.predictions, [REVENUE])
  const wrong = await send(app, {
    method: 'POST',
    url: '/invocations',
    payload: { inputs: [{ ...PLAYER, 'installed at': 'secret' }] },
  })
  t.equal(
    wrong.body.message,
    'row 0: installed at: expected time as day/month/year, in ISO 8601 or as epoch, got another text',
    'without its value',
  )
  const { body: metadata } = await send(app, '/v2/models/five-fields')
  t.same(
    metadata.inputs.map(({ name, datatype }: Record<string, string>) => [name, datatype]),
    [
      ['Country Code', 'BYTES'],
      ['💰 spend', 'FP64'],
      ['is "new", or not', 'BOOL'],
      ['installed at', 'INT64'],
      ['sessions', 'FP64'],
      ['user_id', 'BYTES'],
    ],
  )
  const infer = (is: object, time: object) =>
    send(app, {
      method: 'POST',
      url: '/v2/models/five-fields/infer',
      payload: {
        inputs: [
          { name: 'Country Code', shape: [1], datatype: 'BYTES', data: ['PE'] },
          { name: '💰 spend', shape: [1], datatype: 'FP64', data: [2.5] },
          { name: 'is "new", or not', shape: [1], ...is },
          { name: 'installed at', shape: [1], ...time },
          { name: 'sessions', shape: [1], datatype: 'INT32', data: [12] },
        ],
      },
    })
  const ms = Date.UTC(2026, 11, 31, 23, 30)
  for (const [is, time] of [
    [
      { datatype: 'BOOL', data: [true] },
      { datatype: 'INT64', data: [ms] },
    ],
    [
      { datatype: 'UINT8', data: [1] },
      { datatype: 'FP64', data: [ms / 1000] },
    ],
    [
      { datatype: 'BOOL', data: [true] },
      { datatype: 'BYTES', data: ['31.12.2026, 11:30 PM'] },
    ],
  ] as const)
    t.same((await infer(is, time)).body.outputs?.[0].data, [REVENUE])
  t.match((await infer({ datatype: 'INT8', data: [2] }, { datatype: 'INT64', data: [ms] })).body, {
    error: 'row 0: is "new", or not: expected true or false or null, got number',
  })
})

t.test('what the service says of its inputs', async (t) => {
  const { body } = await send(app, '/model/inputs')
  t.same(
    body.inputs.map(({ field, kind, nullable, required }: Record<string, unknown>) => [
      field,
      kind,
      nullable,
      required,
    ]),
    [
      ['Country Code', 'text', true, true],
      ['💰 spend', 'number', false, true],
      ['is "new", or not', 'boolean', true, true],
      ['installed at', 'time', true, true],
      ['sessions', 'number', true, false],
    ],
  )
  t.same(body.inputs[0].known, ['pe', 'de', 'são tomé'])
  t.match(body.inputs, [
    { column: 'country_code', roles: ['facet', 'group'], max_length: 256, minimum: null },
    { column: '💰 spend', roles: ['amount'], minimum: 0, maximum: 1e6, max_length: null },
    { roles: ['facet'], format: null },
    { format: 'day_first' },
    {},
  ])
  t.match(body, {
    schema_id: five.inputs.id,
    target: { name: 'LTV 14', horizon_days: 14, unit: 'EUR' },
    user_id_column: 'player',
  })
  t.equal((await send(app, '/model/info')).body.horizon_days, 14)
})

t.test('the OpenAPI document is that of the champion at the time of asking', async (t) => {
  const rollout = rolloutOf(nine)
  const { app } = await appWith({ rollout })
  const described = async () => {
    const { body } = await send(app, '/docs/json')
    const { content } = body.paths['/batch_predict'].post.requestBody
    return {
      install: body.components.schemas.Install,
      ndjson: content['application/x-ndjson'].example,
      csv: content['text/csv'].example,
      about: body.info.description,
      tensor: Object.fromEntries(
        Object.entries<any>(
          body.paths['/v2/models/{name}/infer'].post.requestBody.content['application/json'].schema.properties
            .inputs.items.properties,
        ).map(([key, { examples }]) => [key, examples?.[0]]),
      ),
    }
  }
  const before = await described()
  t.same(Object.keys(before.install.properties), [...Object.keys(EXAMPLE), 'user_id'])
  t.same(JSON.parse(before.ndjson), EXAMPLE)
  rollout.place('champion', five, 'there')
  const after = await described()
  t.same(Object.keys(after.install.properties), [...NAMES, 'user_id'])
  t.same(after.install.required, NAMES.slice(0, -1))
  t.equal((await predict(app, JSON.parse(after.ndjson))).status, 200, 'its example is an install')
  t.match(before.about, 'predicts revenue of the first 7 days after the install.')
  t.match(after.about, 'predicts LTV 14 of the first 14 days after the install, in EUR.')
  t.match(after.tensor, { name: '💰 spend', datatype: 'FP64', data: [2.5] })
  t.equal(
    after.install.properties['installed at'].description,
    'Time as day/month/year, in ISO 8601 or as epoch, UTC unless it says otherwise.',
  )
  const [answer] = await stream(app, 'text/csv', after.csv)
  t.match(answer, { line: 2, predicted_revenue: /\d/ })
  rollout.place('champion', nine, 'here')
  t.same(await described(), before)
  await app.close()
})

t.test('a change of models changes what is taken, at once', async (t) => {
  const rollout = rolloutOf(nine)
  const { app } = await appWith({ rollout })
  for (const [bundle, good, bad, revenue] of [
    [nine, EXAMPLE, PLAYER, NINE_REVENUE],
    [five, PLAYER, EXAMPLE, REVENUE],
    [nine, EXAMPLE, PLAYER, NINE_REVENUE],
  ] as const) {
    rollout.place('champion', bundle, 'here')
    t.equal((await predict(app, good)).body.predicted_revenue, revenue)
    t.equal((await predict(app, bad)).status, 400)
  }
  await app.close()
})

t.test('a stream keeps the inputs that it began with', async (t) => {
  const rollout = rolloutOf(five)
  const { app } = await appWith({ rollout })
  t.teardown(() => app.close())
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  const goOn = Promise.withResolvers<void>()
  async function* body() {
    yield Buffer.from(`${csv(COLUMNS, ['pe', '2.5', 'y', '31/12/2026 23:30', '12'])}\n`)
    await goOn.promise
    yield Buffer.from(`${csv(['pe', '2.5', 'y', '31/12/2026 23:30', '12'])}\n`)
  }
  const response = await fetch(`${url}/batch_predict`, {
    method: 'POST',
    headers: { 'content-type': 'text/csv' },
    body: ReadableStream.from(body()),
    duplex: 'half',
  } as RequestInit)
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = (await reader.read()).value!
  rollout.place('champion', nine, 'here')
  goOn.resolve()
  for (let part; !(part = await reader.read()).done;) text += part.value
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  t.match(lines, [
    { line: 2, predicted_revenue: REVENUE },
    { line: 3, predicted_revenue: REVENUE },
    { summary: { predictions: 2, model: { name: 'five-fields' } } },
  ])
})

t.test('a challenger with other inputs answers where the request has what it needs', async (t) => {
  const rollout = rolloutOf(nine, five, { challengerShare: 1, shadow: true })
  const { app, logged } = await appWith({ rollout })
  const plain = await predict(app, EXAMPLE)
  t.match(plain.body, { predicted_revenue: NINE_REVENUE, model: { variant: 'champion' } })
  t.equal(rollout.unasked(), 1)
  const both = await predict(app, { ...EXAMPLE, ...PLAYER })
  t.match(both.body, { predicted_revenue: REVENUE, model: { variant: 'challenger' } })
  t.same(Object.keys(logged.at(-1)!.install), NAMES, 'the log has the inputs of the model that answered')
  const half = await predict(app, { ...EXAMPLE, ...PLAYER, '💰 spend': 'much' })
  t.match(
    half.body,
    { predicted_revenue: NINE_REVENUE, model: { variant: 'champion' } },
    'not the caller’s fault',
  )
  t.equal(rollout.unasked(), 2)
  const neither = await predict(app, PLAYER)
  t.equal(neither.body.message, 'country: expected, but it is missing')
  const unknown = await predict(app, { ...EXAMPLE, more: 1 })
  t.match(unknown.body.message, /^more: unknown field; /)
  t.equal(rollout.fallbacks(), 0)
  await app.close()
})
