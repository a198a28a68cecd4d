/**
 * The Open Inference Protocol: health, metadata, tensors in JSON and as bytes, versions, and its errors.
 */
import type { LightMyRequestResponse as Response } from 'fastify'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import type { App } from '../../src/http/index.ts'
import { EXAMPLE, rowOf } from '../example.ts'
import { appWith, type LoggedRecord, bundleLike, logIn, rolloutOf, send } from './app.ts'

const bundle = await loadBundle('artifacts/champion')
const { name, version } = bundle.manifest
const { app, logged } = await appWith({ rollout: rolloutOf(bundle) })
t.teardown(() => app.close())
t.beforeEach(() => void logged.splice(0))

const OTHER = { ...EXAMPLE, country: 'fr', event_1: 3, event_3: null }
const BOTH = [EXAMPLE, OTHER].map((install) => Number(bundle.predict(rowOf(install)).revenue.toFixed(6)))
const INFER = `/v2/models/${name}/infer`

interface Tensor {
  name: string
  shape: number[]
  datatype: string
  data?: unknown[]
  parameters?: object
}

/** A tensor for each field. */
const tensorsOf = (...installs: Record<string, unknown>[]): Tensor[] =>
  Object.keys(installs[0]!).map((field) => ({
    name: field,
    shape: [installs.length],
    datatype: field.startsWith('event') ? 'FP64' : 'BYTES',
    data: installs.map((install) => install[field]),
  }))
const changed = (field: string, change: Partial<Tensor>): Tensor[] =>
  tensorsOf(EXAMPLE, OTHER).map((tensor) => (tensor.name === field ? { ...tensor, ...change } : tensor))

const infer = (payload: unknown, url = INFER) =>
  send(app, { method: 'POST', url, payload: payload as object })

const double = (value: number) => Buffer.from(new Float64Array([value]).buffer)
const bytes = (text: string | Buffer) => {
  const length = Buffer.alloc(4)
  length.writeUInt32LE(Buffer.byteLength(text))
  return Buffer.concat([length, Buffer.from(text as string)])
}

/** The request with its tensors after the JSON. */
function binaryRequest(tensors: Tensor[], request: object = {}) {
  const parts = tensors.map(({ datatype, data }) =>
    Buffer.concat(
      data!.map((value) =>
        datatype === 'BYTES' ? bytes((value ?? '') as string) : double((value ?? NaN) as number),
      ),
    ),
  )
  const inputs = tensors.map(({ name, shape, datatype }, at) => ({
    name,
    shape,
    datatype,
    parameters: { binary_data_size: parts[at]!.length },
  }))
  return withParts({ ...request, inputs }, ...parts)
}

function withParts(json: object, ...parts: Buffer[]) {
  const head = Buffer.from(JSON.stringify(json))
  return { body: Buffer.concat([head, ...parts]), length: String(head.length) }
}

const inferBinary = (
  { body, length }: { body: Buffer; length: string },
  headers: Record<string, string> = {},
) =>
  app.inject({
    method: 'POST',
    url: INFER,
    payload: body,
    headers: {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': length,
      ...headers,
    },
  })

t.test('health and metadata', async (t) => {
  const bodyOf = async (url: string) => (await send(app, url)).body
  t.same(await bodyOf('/v2'), { name: 'day7', version: '0.0.0', extensions: ['binary_tensor_data'] })
  t.same(await bodyOf('/v2/health/live'), { live: true })
  t.same(await bodyOf('/v2/health/ready'), { ready: true })
  for (const path of [`/v2/models/${name}`, `/v2/models/${name}/versions/${version}`]) {
    t.same(await bodyOf(`${path}/ready`), { name, ready: true })
    const metadata = await bodyOf(path)
    t.match(metadata, { name, versions: [version], platform: 'lightgbm_day7' })
    t.same(
      metadata.inputs,
      [...Object.keys(EXAMPLE), 'user_id'].map((field) => ({
        name: field,
        datatype: field.startsWith('event') ? 'FP64' : 'BYTES',
        shape: [-1],
      })),
    )
    t.match(metadata.outputs, [
      { name: 'predicted_revenue', datatype: 'FP64', shape: [-1] },
      { name: 'prediction_id', datatype: 'BYTES', shape: [-1] },
      { name: 'model_version', datatype: 'BYTES', shape: [-1] },
    ])
  }
})

t.test('tensors in JSON', async (t) => {
  const expected = (records: LoggedRecord[]) => ({
    model_name: name,
    model_version: version,
    outputs: [
      { name: 'predicted_revenue', datatype: 'FP64', shape: [2], data: BOTH },
      {
        name: 'prediction_id',
        datatype: 'BYTES',
        shape: [2],
        data: records.map((record) => record.predictionId),
      },
    ],
  })
  const columns = tensorsOf(EXAMPLE, OTHER).map((tensor) => ({ ...tensor, shape: [2, 1] }))
  const requests: object[] = [
    { inputs: tensorsOf(EXAMPLE, OTHER) },
    { inputs: columns.toReversed() },
    { inputs: columns.map(({ data, ...tensor }) => ({ ...tensor, data: data!.map((value) => [value]) })) },
    {
      inputs: changed('event_1', { datatype: 'INT64' }),
      id: null,
      parameters: null,
      outputs: null,
      model_name: 'x',
    },
    {
      inputs: changed('event_2', { datatype: 'UINT8' }),
      parameters: { priority: 1, binary_data_output: false },
    },
    { inputs: tensorsOf(EXAMPLE, OTHER), outputs: [] },
  ]
  for (const request of requests) {
    logged.splice(0)
    t.same(await infer(request), { status: 200, body: expected(logged) })
    t.same(
      logged.map(({ install }) => install),
      [EXAMPLE, OTHER],
    )
  }
  t.match(await infer({ id: 'mine', inputs: tensorsOf(EXAMPLE) }), { body: { id: 'mine' } })
})

t.test('a tensor that is left out is null, and a user may have one', async (t) => {
  const some = tensorsOf({ platform: 'iOS', event_1: 1, event_2: 2, user_id: 'player 1' })
  t.match(await infer({ inputs: some }), { status: 200 })
  t.match(logged, [
    { userId: 'player 1', install: { country: null, os_version: null, event_1: 1, event_3: null } },
  ])
})

t.test('the outputs that are asked for', async (t) => {
  const outputs = [{ name: 'model_version' }, { name: 'predicted_revenue', parameters: {} }]
  const { body } = await infer({ inputs: tensorsOf(EXAMPLE, OTHER), outputs })
  t.match(body.outputs, [
    { name: 'model_version', data: [version, version] },
    { name: 'predicted_revenue', data: BOTH },
  ])
  t.equal(body.outputs.length, 2)
})

t.test('tensors as bytes, both ways', async (t) => {
  const user = [{ name: 'user_id', shape: [2], datatype: 'BYTES', data: ['player 1', ''] }]
  const request = binaryRequest([...tensorsOf(EXAMPLE, OTHER), ...user], {
    id: 'é',
    parameters: { binary_data_output: true },
    outputs: [
      { name: 'predicted_revenue' },
      { name: 'prediction_id' },
      { name: 'model_version', parameters: { binary_data: false } },
    ],
  })
  const response = await inferBinary(request)
  t.equal(response.statusCode, 200)
  t.equal(response.headers['content-type'], 'application/octet-stream')
  const length = Number(response.headers['inference-header-content-length'])
  const answer = JSON.parse(response.rawPayload.subarray(0, length).toString())
  const ids = logged.map(({ predictionId }) => predictionId)
  const binary = Buffer.concat([...BOTH.map(double), ...ids.map(bytes)])
  t.same(answer, {
    model_name: name,
    model_version: version,
    id: 'é',
    outputs: [
      { name: 'predicted_revenue', datatype: 'FP64', shape: [2], parameters: { binary_data_size: 16 } },
      { name: 'prediction_id', datatype: 'BYTES', shape: [2], parameters: { binary_data_size: 80 } },
      { name: 'model_version', datatype: 'BYTES', shape: [2], data: [version, version] },
    ],
  })
  t.ok(response.rawPayload.subarray(length).equals(binary))
  t.same(logged.map(({ install }) => install), [EXAMPLE, OTHER], 'a NaN is null') // prettier-ignore
  t.same(logged.map(({ userId }) => userId), ['player 1', null]) // prettier-ignore

  const withoutType = await app.inject({
    method: 'POST',
    url: INFER,
    payload: request.body,
    headers: { 'inference-header-content-length': request.length },
  })
  t.equal(withoutType.statusCode, 200, 'as Triton’s client sends it')
})

t.test('numbers of every type as bytes', async (t) => {
  const written: [string, Buffer][] = [
    ['FP64', double(7)],
    ['FP32', Buffer.from(new Float32Array([7]).buffer)],
    ['INT64', Buffer.from(new BigInt64Array([7n]).buffer)],
    ['INT32', Buffer.from(new Int32Array([7]).buffer)],
    ['INT16', Buffer.from(new Int16Array([7]).buffer)],
    ['INT8', Buffer.from([7])],
    ['UINT64', Buffer.from(new BigUint64Array([7n]).buffer)],
    ['UINT32', Buffer.from(new Uint32Array([7]).buffer)],
    ['UINT16', Buffer.from(new Uint16Array([7]).buffer)],
    ['UINT8', Buffer.from([7])],
  ]
  const others = tensorsOf(EXAMPLE).filter((tensor) => tensor.name !== 'event_1')
  for (const [datatype, part] of written) {
    const tensor = { name: 'event_1', shape: [1], datatype, parameters: { binary_data_size: part.length } }
    const response = await inferBinary(withParts({ inputs: [...others, tensor] }, part))
    t.equal(response.statusCode, 200, datatype)
    t.equal(logged.pop()!.install.event_1, 7)
  }
})

t.test('a wrong request names row and tensor, and nothing of what was sent; nothing is logged', async (t) => {
  const secret = 'a secret'
  const wrong: [unknown, string | RegExp][] = [
    [{}, 'inputs: expected, but it is missing'],
    [{ inputs: [] }, 'inputs: expected at least 1, got 0'],
    [{ inputs: secret }, 'inputs: expected array, got string'],
    [{ inputs: [{ name: 'event_1', shape: [1] }] }, 'inputs.0.datatype: expected, but it is missing'],
    [{ inputs: tensorsOf(EXAMPLE), id: 7 }, 'id: expected string or null, got number'],
    [{ inputs: tensorsOf({ ...EXAMPLE, [secret]: 1 }) }, /^inputs\.9\.name: expected one of country, /],
    [
      { inputs: [...tensorsOf(EXAMPLE), ...tensorsOf({ event_1: 1 })] },
      'inputs: expected event_1 once, got it twice',
    ],
    [
      { inputs: tensorsOf({ event_1: 1 }) },
      'inputs: expected tensors for platform and event_1 and event_2; missing: platform, event_2',
    ],
    [{ inputs: changed('event_1', { shape: [] }) }, 'event_1: expected shape [n] or [n,1], got []'],
    [{ inputs: changed('event_1', { shape: [2, 2] }) }, 'event_1: expected shape [n] or [n,1], got [2,2]'],
    [{ inputs: changed('country', { shape: [0] }) }, 'country: expected shape [n] or [n,1], got [0]'],
    [
      { inputs: changed('event_1', { shape: [-1] }) },
      'inputs.6.shape.0: expected a number ≥ 0, got negative number',
    ],
    [
      { inputs: changed('event_1', { shape: [3] }) },
      'event_1: expected 2 elements as in country, got shape [3]',
    ],
    [{ inputs: changed('event_1', { data: [1] }) }, 'event_1: expected 2 elements, got 1'],
    [
      { inputs: changed('event_1', { data: [1, [2]] }) },
      'row 1: event_1: expected an element of FP64, got array',
    ],
    [
      { inputs: changed('event_1', { datatype: 'BOOL' }) },
      /^event_1: expected datatype FP64 or FP32 or .*, got another one$/,
    ],
    [
      { inputs: changed('country', { datatype: 'FP64' }) },
      'country: expected datatype BYTES, got another one',
    ],
    [
      { inputs: changed('event_1', { datatype: 'INT64', data: [1, 1.5] }) },
      'row 1: event_1: expected an element of INT64, got number',
    ],
    [
      { inputs: changed('event_1', { datatype: 'UINT8', data: [1, -1] }) },
      'row 1: event_1: expected an element of UINT8, got negative number',
    ],
    [
      { inputs: changed('event_1', { data: [1, secret] }) },
      'row 1: event_1: expected an element of FP64, got string',
    ],
    [
      { inputs: changed('event_1', { data: [1, -1] }) },
      'row 1: event_1: expected a number ≥ 0, got negative number',
    ],
    [{ inputs: changed('event_1', { data: [1, null] }) }, 'row 1: event_1: expected number, got null'],
    [
      { inputs: changed('country', { data: ['es', 34] }) },
      'row 1: country: expected an element of BYTES, got number',
    ],
    [{ inputs: changed('country', { data: ['es', 'a\0'] }) }, /^row 1: country: expected text without NUL/],
    [
      { inputs: changed('country', { data: undefined! }) },
      'country: expected data, or binary_data_size, got neither',
    ],
    [
      { inputs: changed('country', { parameters: { binary_data_size: 9 } }) },
      'country: expected data or binary_data_size, got both',
    ],
    [
      { inputs: changed('country', { parameters: { shared_memory_region: 'r' } }) },
      /^country: expected data, got a region of shared memory/,
    ],
    [
      { inputs: tensorsOf(...Array.from({ length: 6 }, () => EXAMPLE)) },
      'expected at most 5 installs, got 6',
    ],
    [
      { inputs: tensorsOf(EXAMPLE), outputs: [{ name: secret }] },
      /^outputs\.0\.name: expected one of predicted_revenue, /,
    ],
    [
      { inputs: tensorsOf(EXAMPLE), outputs: [{ name: 'prediction_id', parameters: { classification: 3 } }] },
      /^outputs\.0: expected no classification/,
    ],
  ]
  for (const [payload, message] of wrong) {
    const { status, body } = await infer(payload)
    t.equal(status, 400)
    t.match(body.error, message)
    t.same(Object.keys(body), ['error'])
    t.notMatch(body.error, secret)
  }
  t.same(logged, [])
})

t.test('bytes that are not what the JSON says', async (t) => {
  const good = binaryRequest(tensorsOf(EXAMPLE))
  const json = JSON.parse(good.body.subarray(0, Number(good.length)).toString())
  const rest = good.body.subarray(Number(good.length))
  const sized = (field: string, binary_data_size: unknown) =>
    withParts(
      {
        inputs: json.inputs.map((input: Tensor) =>
          input.name === field ? { ...input, parameters: { binary_data_size } } : input,
        ),
      },
      rest,
    )
  const country = tensorsOf(EXAMPLE).slice(1)
  const named = (part: Buffer) =>
    withParts(
      {
        inputs: [
          { name: 'country', shape: [1], datatype: 'BYTES', parameters: { binary_data_size: part.length } },
          ...country,
        ],
      },
      part,
    )
  const wrong: [{ body: Buffer; length: string }, string | RegExp][] = [
    [
      { ...good, length: '-1' },
      /^Inference-Header-Content-Length: expected the number of bytes of the JSON, at most \d+$/,
    ],
    [{ ...good, length: 'x' }, /^Inference-Header-Content-Length: expected/],
    [{ ...good, length: '1e2' }, /^Inference-Header-Content-Length: expected/],
    [{ ...good, length: String(good.body.length + 1) }, /^Inference-Header-Content-Length: expected/],
    [{ ...good, length: '7' }, /^body: expected JSON, got something else/],
    [{ ...good, length: '0' }, 'body: expected JSON, got nothing'],
    [
      { ...good, body: good.body.subarray(0, -1) },
      'event_3: expected as many bytes after the JSON as binary_data_size says, got 7',
    ],
    [
      { ...good, body: Buffer.concat([good.body, Buffer.alloc(3)]) },
      /^body: expected \d+ bytes after the JSON, as the tensors have, got \d+$/,
    ],
    [sized('event_1', 7), 'event_1: expected 8 bytes for 1 elements of FP64, got 7'],
    [sized('event_1', -8), /^event_1: expected as many bytes/],
    [sized('event_1', '8'), /^event_1: expected as many bytes/],
    [sized('event_1', 2 ** 60), /^event_1: expected as many bytes/],
    [sized('country', 5), 'country: expected whole elements of BYTES, got a part of number 0'],
    [named(Buffer.from([1, 0])), 'country: expected whole elements of BYTES, got a part of number 0'],
    [
      named(Buffer.from([255, 255, 255, 255, 1])),
      'country: expected whole elements of BYTES, got a part of number 0',
    ],
    [named(Buffer.concat([bytes('a'), bytes('b')])), 'country: expected 1 elements of BYTES, got 2'],
    [named(bytes(Buffer.from('é', 'latin1'))), 'row 0: country: expected UTF-8, got other bytes'],
  ]
  for (const [request, message] of wrong) {
    const response = await inferBinary(request)
    t.equal(response.statusCode, 400)
    t.match(response.json().error, message)
  }
  const { body } = await infer(json)
  t.equal(body.error, 'country: expected the header Inference-Header-Content-Length beside binary_data_size')
  t.same(logged, [])
})

t.test('errors of every kind have the protocol’s form', async (t) => {
  const post = (app: App, url: string, payload?: object | string, type = 'application/json') =>
    app.inject({
      method: 'POST',
      url,
      ...(payload !== undefined && { payload, headers: { 'content-type': type } }),
    })
  const kinds: [Response, number, (string | RegExp)?][] = [
    [await app.inject('/v2/'), 404, 'no such route: GET /v2/; /docs lists them'],
    [await app.inject('/v2/nothing?key=secret'), 404, 'no such route: GET /v2/nothing; /docs lists them'],
    [await app.inject(INFER), 405, `${INFER}: expected POST, got GET`],
    [await app.inject({ method: 'DELETE', url: '/v2' }), 405, '/v2: expected GET, HEAD, got DELETE'],
    [await app.inject('/v2/models/%zz'), 400],
    [await app.inject(`/v2/models/${'x'.repeat(5000)}`), 414],
    [await app.inject('/v2/models/other'), 404, 'there is no model of this name in service'],
    [await app.inject('/v2/models/other/ready'), 404],
    [
      await app.inject(`/v2/models/${name}/versions/1`),
      404,
      `this version is not in service; in service: ${version}`,
    ],
    [await post(app, '/v2/models/other/infer', { inputs: tensorsOf(EXAMPLE) }), 404],
    [await post(app, `/v2/models/${name}/versions/1/infer`, { inputs: tensorsOf(EXAMPLE) }), 404],
    [await post(app, INFER), 400, 'body: expected object, got null'],
    [
      await post(app, INFER, '{"id": "a secret', 'application/json'),
      400,
      /^body: expected JSON, got something else/,
    ],
    [await post(app, INFER, '{}', 'text/plain'), 415],
    [await post(app, INFER, '{}', 'application/json; charset=utf-16'), 415],
    [await post(app, INFER, ' '.repeat(100_001)), 413],
  ]
  const without = await appWith({ rollout: { current: () => null } })
  for (const url of ['/v2/health/ready', `/v2/models/${name}`, `/v2/models/${name}/ready`])
    kinds.push([await without.app.inject(url), 503, 'there is no model to answer with yet'])
  kinds.push([await post(without.app, INFER, { inputs: tensorsOf(EXAMPLE) }), 503])
  t.equal((await without.app.inject('/v2/health/live')).statusCode, 200)
  await without.app.close()
  const starting = await appWith({
    rollout: rolloutOf(bundle),
    predictionLog: logIn({ state: 'connecting' }),
  })
  kinds.push([await starting.app.inject('/v2/health/ready'), 503, /still opening its database/])
  await starting.app.close()
  for (const [error, statusCode] of [
    [{ statusCode: 401, code: 'KEY_MISSING' }, 401],
    [{ statusCode: 429, code: 'TOO_MANY' }, 429],
    [{ code: 'EBROKEN' }, 500],
  ] as const) {
    const { app } = await appWith({ rollout: rolloutOf(bundle) })
    app.addHook('onRequest', async () => {
      throw Object.assign(new Error('said by a hook'), error)
    })
    kinds.push([await app.inject('/v2'), statusCode])
    kinds.push([await post(app, INFER, {}), statusCode])
    await app.close()
  }
  for (const [response, statusCode, message = /./] of kinds) {
    t.equal(response.statusCode, statusCode)
    t.equal(
      response.headers['content-type'],
      'application/json',
      'or KServe’s client would not show the text',
    )
    t.same(Object.keys(response.json()), ['error'])
    t.match(response.json().error, message)
    t.notMatch(response.json().error, 'secret')
  }
})

t.test('champion and challenger', async (t) => {
  const predict = () => ({ revenue: 7, rawScore: 1, interval: null })
  const rollout = rolloutOf(bundle, bundleLike(bundle, 'new', predict), {
    challengerShare: 0.5,
    shadow: true,
  })
  const offered: unknown[] = []
  const shadow = {
    offer: (_: unknown, records: readonly unknown[]) => void offered.push(...records),
    miss() {},
  }
  const { app, logged } = await appWith({ rollout, shadow, batchMaxUsers: 40 })
  const users = Array.from({ length: 40 }, (_, i) => ({ ...EXAMPLE, user_id: `player ${i}` }))
  const at = async (path: string, inputs = tensorsOf(...users)) => {
    logged.splice(0)
    offered.splice(0)
    const outputs = [{ name: 'predicted_revenue' }, { name: 'model_version' }]
    return (
      await send(app, {
        method: 'POST',
        url: `/v2/models/${name}${path}/infer`,
        payload: { inputs, outputs },
      })
    ).body
  }
  t.match((await send(app, `/v2/models/${name}`)).body, { versions: [version, 'new'] })
  const split = await at('')
  const variants = users.map(({ user_id }) => rollout.current()!.assign(user_id).variant)
  t.same(split.outputs[1].data, variants.map((variant) => (variant === 'champion' ? version : 'new'))) // prettier-ignore
  t.notOk('model_version' in split, 'more than one has answered')
  t.same(logged.map((record) => record.variant), variants) // prettier-ignore
  t.equal(offered.length, variants.filter((variant) => variant === 'champion').length)
  const ours = users.filter((_, i) => variants[i] === 'challenger')
  t.equal((await at('', tensorsOf(...ours))).model_version, 'new')

  for (const [named, revenue] of [
    ['new', 7],
    [version, BOTH[0]],
  ] as const) {
    const body = await at(`/versions/${named}`)
    t.equal(body.model_version, named)
    t.same(new Set(body.outputs[0].data), new Set([revenue]))
    t.same(new Set(logged.map((record) => record.variant)), new Set(['named']), 'of no arm of the experiment')
    t.same(offered, [])
  }
  await app.close()

  const renamed = Object.assign(bundleLike(bundle, 'new', predict), {
    manifest: { ...bundle.manifest, name: 'other', version: '2' },
  })
  const two = await appWith({ rollout: rolloutOf(bundle, renamed) })
  const { body } = await send(two.app, {
    method: 'POST',
    url: '/v2/models/other/infer',
    payload: { inputs: tensorsOf(EXAMPLE) },
  })
  t.match(body, { model_name: 'other', model_version: '2', outputs: [{ data: [7] }] })
  await two.app.close()
})
