/**
 * MLflow's scoring protocol: its formats, its errors, and that a request is answered as a whole or not at all.
 */
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { EXAMPLE, rowOf } from '../example.ts'
import { appWith, beAway, bundleLike, heldUp, logWith, rolloutOf, send } from './app.ts'

const bundle = await loadBundle('artifacts/champion')
const { app, logged } = await appWith({ rollout: rolloutOf(bundle) })
t.teardown(() => app.close())
t.beforeEach(() => void logged.splice(0))

const FIELDS = Object.keys(EXAMPLE)
const OTHER = { ...EXAMPLE, country: 'fr', event_1: 3, event_3: null }
const revenueOf = (install: typeof EXAMPLE | typeof OTHER) =>
  Number(bundle.predict(rowOf(install)).revenue.toFixed(6))
const BOTH = [revenueOf(EXAMPLE), revenueOf(OTHER)]

const post = (payload: unknown, contentType = 'application/json') =>
  send(app, {
    method: 'POST',
    url: '/invocations',
    payload: (typeof payload === 'string' || Buffer.isBuffer(payload)
      ? payload
      : JSON.stringify(payload)) as string,
    headers: { 'content-type': contentType },
  })

const valuesOf = (install: object, fields = FIELDS) =>
  fields.map((field) => (install as Record<string, unknown>)[field])
const columnsOf = (...installs: object[]) =>
  Object.fromEntries(
    FIELDS.map((field) => [field, installs.map((install) => (install as Record<string, unknown>)[field])]),
  )

t.test('every format has the same answer', async (t) => {
  const reversed = FIELDS.toReversed()
  const csv = [FIELDS.join(), valuesOf(EXAMPLE).join(), valuesOf(OTHER).join()].join('\n')
  const formats: [unknown, string?][] = [
    [{ dataframe_split: { columns: FIELDS, data: [valuesOf(EXAMPLE), valuesOf(OTHER)] } }],
    [
      {
        dataframe_split: {
          index: [7, 3],
          columns: reversed,
          data: [valuesOf(EXAMPLE, reversed), valuesOf(OTHER, reversed)],
        },
        params: {},
      },
    ],
    [{ dataframe_records: [EXAMPLE, OTHER] }, 'application/json; charset=utf-8'],
    [{ instances: [EXAMPLE, OTHER], params: null }, 'application/json; charset=UTF-8'],
    [{ inputs: [EXAMPLE, OTHER] }],
    [{ inputs: columnsOf(EXAMPLE, OTHER) }],
    [JSON.stringify({ inputs: columnsOf(EXAMPLE, OTHER) }).replace('null', 'NaN'), 'application/json'],
    [csv, 'text/csv'],
    [`${csv}\n`.replaceAll('\n', '\r\n'), 'text/csv; charset=utf-8'],
  ]
  for (const [payload, contentType] of formats) {
    logged.splice(0)
    const { status, body } = await post(payload, contentType)
    t.equal(status, 200)
    t.same(body, {
      predictions: BOTH,
      prediction_ids: logged.map(({ predictionId }) => predictionId),
    })
    t.same(
      logged.map(({ install }) => install),
      [EXAMPLE, OTHER],
    )
  }
  t.same((await post({ inputs: EXAMPLE })).body.predictions, BOTH.slice(0, 1), 'one install without a list')
  t.same((await post({ dataframe_split: { columns: FIELDS, data: [] } })).body.predictions, [], 'none')
})

t.test('a user of a frame is kept', async (t) => {
  await post({
    dataframe_split: { columns: ['user_id', ...FIELDS], data: [['player 1', ...valuesOf(EXAMPLE)]] },
  })
  t.match(logged, [{ userId: 'player 1', variant: 'champion' }])
})

t.test('NaN is null as Python means it, and a text as it is written', async (t) => {
  const text = JSON.stringify({ dataframe_records: [{ ...OTHER, source: 'NaN "NaN" \\NaN' }] })
  t.equal((await post(text.replace('"event_3":null', '"event_3":NaN'))).status, 200)
  t.match(logged, [{ install: { source: 'NaN "NaN" \\NaN', event_3: null } }])
  const { status, body } = await post(text.replace('"event_1":3', '"event_1":NaN'))
  t.equal(status, 400)
  t.equal(body.message, 'row 0: event_1: expected number, got null')
})

t.test('what is wrong is said without what was sent, and nothing is logged', async (t) => {
  const { event_2: _, ...withoutEvent2 } = EXAMPLE
  const split = (columns: unknown, data: unknown) => ({ dataframe_split: { columns, data } })
  const fields = FIELDS.join(', ')
  const secret = 'a secret'
  const wrong: [unknown, string | RegExp, string?][] = [
    ['', 'body: expected JSON, got nothing'],
    [`{"inputs": "${secret}`, /^body: expected JSON, got something else( at position \d+)?$/],
    [`{"inputs": ["${secret}", NaN, Infinity]}`, /^body: expected JSON, got something else/],
    [Buffer.from('"Málaga"', 'latin1'), 'body: expected UTF-8, got other bytes'],
    [[EXAMPLE], 'body: expected object, got array'],
    [{}, /^body: expected exactly one of dataframe_split, dataframe_records, instances, inputs/],
    [{ dataframe_records: [], instances: [] }, /^body: expected exactly one of/],
    [{ columns: FIELDS, data: [] }, /^body: expected exactly one of/],
    [{ constructor: [] }, /^body: expected exactly one of/],
    [{ inputs: [EXAMPLE], params: { temperature: 1 } }, 'params: expected none, since the model takes none'],
    [{ dataframe_split: [] }, 'dataframe_split: expected object, got array'],
    [
      { dataframe_split: { columns: FIELDS, data: [], orient: 1 } },
      'dataframe_split: expected only columns, data and index',
    ],
    [split(null, []), 'dataframe_split.columns: expected array, got null'],
    [split(FIELDS, {}), 'dataframe_split.data: expected array, got object'],
    [split(FIELDS.slice(1), []), `dataframe_split.columns: expected ${fields}; missing: country`],
    [
      split([...FIELDS, secret], []),
      `dataframe_split.columns: expected only ${fields}, user_id; number 10 is another one`,
    ],
    [
      split([...FIELDS, 'event_1'], []),
      'dataframe_split.columns: expected every column once, got event_1 twice',
    ],
    [split(FIELDS, [valuesOf(EXAMPLE), [1]]), 'row 1: expected an array of 9 values, got 1'],
    [split(FIELDS, [secret]), 'row 0: expected an array of 9 values, got string'],
    [
      split(FIELDS, [valuesOf(EXAMPLE), valuesOf({ ...EXAMPLE, event_1: secret })]),
      'row 1: event_1: expected number, got string',
    ],
    [{ dataframe_records: EXAMPLE }, 'dataframe_records: expected array, got object'],
    [{ dataframe_records: [EXAMPLE, withoutEvent2] }, 'row 1: event_2: expected, but it is missing'],
    [
      { instances: [{ ...EXAMPLE, event_1: -1 }] },
      'row 0: event_1: expected a number ≥ 0, got negative number',
    ],
    [
      { instances: [valuesOf(EXAMPLE)] },
      'row 0: expected an object with the fields by their names, got array',
    ],
    [{ inputs: secret }, 'inputs: expected array, got string'],
    [{ inputs: [{ ...EXAMPLE, country: 34 }] }, 'row 0: country: expected string or null, got number'],
    [
      { inputs: { ...columnsOf(EXAMPLE), event_1: [1, 2] } },
      'inputs.country: expected an array of 2 values as in the other columns',
    ],
    [
      { inputs: { ...columnsOf(EXAMPLE), event_1: 1 } },
      'inputs.event_1: expected an array of 1 values as in the other columns',
    ],
    [{ inputs: withoutEvent2 }, `inputs: expected ${fields}; missing: event_2`],
    [{ inputs: Array.from({ length: 6 }, () => EXAMPLE) }, 'expected at most 5 installs, got 6'],
    ['', 'header: expected the names of the columns, got nothing', 'text/csv'],
    [`${secret}\n1`, 'header: expected names of columns with commas between them, got none', 'text/csv'],
    [valuesOf(EXAMPLE).join(), `header: expected the columns ${fields}; missing: ${fields}`, 'text/csv'],
    [`${FIELDS.join()}\n${valuesOf(EXAMPLE).join()}\n1,2`, 'line 3: expected 9 cells, got 2', 'text/csv'],
    [
      `${FIELDS.join()}\n\n${valuesOf({ ...EXAMPLE, event_1: secret }).join()}`,
      'line 3: event_1: expected number, got string',
      'text/csv',
    ],
  ]
  for (const [payload, message, contentType] of wrong) {
    const { status, body } = await post(payload, contentType)
    t.equal(status, 400)
    t.match(body.message, message)
    t.same(Object.keys(body), ['error_code', 'message'])
    t.equal(body.error_code, 'BAD_REQUEST')
    t.notMatch(body.message, secret)
  }
  t.same(logged, [])
})

t.test('errors of every kind have MLflow’s form', async (t) => {
  const kinds: [Awaited<ReturnType<typeof post>>, number, string][] = [
    [await post(EXAMPLE, 'application/vnd.apache.parquet'), 415, 'BAD_REQUEST'],
    [await post({ inputs: EXAMPLE }, 'application/json; charset=latin1'), 415, 'BAD_REQUEST'],
    [await post(' '.repeat(100_001)), 413, 'BAD_REQUEST'],
    [await send(app, '/invocations/none'), 404, 'ENDPOINT_NOT_FOUND'],
    [await send(app, '/invocations'), 405, 'BAD_REQUEST'],
    [await send(app, '/invocations/%zz'), 400, 'BAD_REQUEST'],
    [await send(app, { method: 'DELETE', url: '/ping' }), 405, 'BAD_REQUEST'],
  ]
  const without = await appWith({ rollout: { current: () => null } })
  kinds.push(
    [await send(without.app, '/ping'), 503, 'TEMPORARILY_UNAVAILABLE'],
    [
      await send(without.app, { method: 'POST', url: '/invocations', payload: { inputs: EXAMPLE } }),
      503,
      'TEMPORARILY_UNAVAILABLE',
    ],
  )
  await without.app.close()
  for (const [error, statusCode, code] of [
    [{ statusCode: 401, code: 'KEY_MISSING' }, 401, 'UNAUTHENTICATED'],
    [{ statusCode: 403, code: 'SCOPE' }, 403, 'PERMISSION_DENIED'],
    [{ statusCode: 429, code: 'TOO_MANY' }, 429, 'REQUEST_LIMIT_EXCEEDED'],
    [{ code: 'EBROKEN' }, 500, 'INTERNAL_ERROR'],
  ] as const) {
    const { app } = await appWith({ rollout: rolloutOf(bundle) })
    app.addHook('onRequest', async () => {
      throw Object.assign(new Error('said by a hook'), error)
    })
    kinds.push([await send(app, '/ping'), statusCode, code])
    kinds.push([await send(app, { method: 'POST', url: '/invocations' }), statusCode, code])
    await app.close()
  }
  for (const [{ status, body }, statusCode, code] of kinds) {
    t.equal(status, statusCode)
    t.match(body, { error_code: code, message: String })
    t.equal(Object.keys(body).length, 2)
  }
})

t.test('a model without a finite answer, or a log without room: no answer, and no record', async (t) => {
  const request = { method: 'POST', url: '/invocations', payload: { inputs: [EXAMPLE, OTHER] } } as const
  let calls = 0
  const broken = bundleLike(bundle, 'x', (install) => {
    if (++calls === 2) throw new RangeError('model x answered Infinity')
    return bundle.predict(install)
  })
  const one = await appWith({ rollout: rolloutOf(broken) })
  t.match(await send(one.app, request), { status: 500, body: { error_code: 'INTERNAL_ERROR' } })
  t.same(one.logged, [])
  await one.app.close()
  const two = await appWith({ predictionLog: logWith({ append: beAway }) })
  t.match(await send(two.app, request), {
    status: 503,
    retryAfter: '5',
    body: { error_code: 'TEMPORARILY_UNAVAILABLE' },
  })
  await two.app.close()
})

t.test('answers leave when their predictions are safe in the log', async (t) => {
  const log = heldUp()
  const { app } = await appWith({ rollout: rolloutOf(bundle), predictionLog: logWith({ append: log.hold }) })
  const order: string[] = []
  const answered = app
    .inject({ method: 'POST', url: '/invocations', payload: { inputs: EXAMPLE } })
    .then(() => order.push('answered'))
  await log.called
  order.push('safe')
  log.release()
  await answered
  t.same(order, ['safe', 'answered'])
  await app.close()
})

t.test('ping, health and version', async (t) => {
  const ping = await app.inject('/ping')
  t.equal(ping.statusCode, 200)
  t.equal(ping.body, '\n')
  t.equal((await app.inject('/health')).statusCode, 200)
  const version = await app.inject('/version')
  t.equal(version.statusCode, 200)
  t.equal(version.body, '0.0.0')
})
