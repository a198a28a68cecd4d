/**
 * All roads give the same number: whatever the install, and whichever protocol brings it.
 */
import { deepEqual } from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import type { App } from '../../src/http/index.ts'
import { EXAMPLE, rowOf } from '../example.ts'
import { appWith, rolloutOf } from './app.ts'

type Install = Record<string, string | number | null>
type Road = (app: App, installs: readonly Install[]) => Promise<unknown>

const FIELDS = Object.keys(EXAMPLE)
const isCount = (field: string) => field.startsWith('event')
const bundle = await loadBundle('artifacts/champion')
const { name } = bundle.manifest

async function post(app: App, url: string, payload: object | string, headers: Record<string, string> = {}) {
  const response = await app.inject({ method: 'POST', url, payload, headers })
  if (response.statusCode !== 200) throw new Error(`${url}: ${response.statusCode} ${response.body}`)
  return response
}

const columnOf = (installs: readonly Install[], field: string) => installs.map((install) => install[field]!)
const csvOf = (installs: readonly Install[]) => {
  const cell = (value: string | number | null) =>
    typeof value === 'string' ? `"${value.replaceAll('"', '""')}"` : String(value ?? '')
  const rows = installs.map((install) => FIELDS.map((field) => cell(install[field]!)).join())
  return [FIELDS.join(), ...rows].join('\n')
}
const tensorsOf = (installs: readonly Install[]) =>
  FIELDS.map((field) => ({
    name: field,
    shape: [installs.length],
    datatype: isCount(field) ? 'FP64' : 'BYTES',
    data: columnOf(installs, field),
  }))
const bytesOf = (value: string | number | null, datatype: string) => {
  if (datatype === 'FP64') return Buffer.from(new Float64Array([(value ?? NaN) as number]).buffer)
  const text = Buffer.from((value ?? '') as string)
  return Buffer.concat([Buffer.from(new Uint32Array([text.length]).buffer), text])
}

const scored =
  (body: (installs: readonly Install[]) => object) => async (app: App, installs: readonly Install[]) =>
    (await post(app, '/invocations', body(installs))).json().predictions
const streamed =
  (type: string, body: (installs: readonly Install[]) => string) =>
  async (app: App, installs: readonly Install[]) => {
    const response = await post(app, '/batch_predict', body(installs), { 'content-type': type })
    const lines = response.body.trimEnd().split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line).predicted_revenue)
  }

const ROADS: Record<string, Road> = {
  '/predict': (app, installs) =>
    Promise.all(
      installs.map(async (install) => (await post(app, '/predict', install)).json().predicted_revenue),
    ),
  '/batch_predict': async (app, users) =>
    (await post(app, '/batch_predict', { users }))
      .json()
      .predictions.map((prediction: { predicted_revenue: number }) => prediction.predicted_revenue),
  'JSON lines': streamed('application/x-ndjson', (installs) =>
    installs.map((install) => JSON.stringify(install)).join('\n'),
  ),
  CSV: streamed('text/csv', csvOf),
  dataframe_split: scored((installs) => ({
    dataframe_split: {
      columns: FIELDS,
      data: installs.map((install) => FIELDS.map((field) => install[field])),
    },
  })),
  dataframe_records: scored((installs) => ({ dataframe_records: installs })),
  instances: scored((installs) => ({ instances: installs })),
  inputs: scored((installs) => ({
    inputs: Object.fromEntries(FIELDS.map((field) => [field, columnOf(installs, field)])),
  })),
  'MLflow’s CSV': async (app, installs) =>
    (await post(app, '/invocations', csvOf(installs), { 'content-type': 'text/csv' })).json().predictions,
  tensors: async (app, installs) =>
    (await post(app, `/v2/models/${name}/infer`, { inputs: tensorsOf(installs) })).json().outputs[0].data,
  'tensors of a named version': async (app, installs) =>
    (
      await post(app, `/v2/models/${name}/versions/${bundle.manifest.version}/infer`, {
        inputs: tensorsOf(installs),
      })
    ).json().outputs[0].data,
  'tensors as bytes': async (app, installs) => {
    const parts: Buffer[] = []
    const inputs = tensorsOf(installs).map(({ data, ...tensor }) => {
      const part = Buffer.concat(data.map((value) => bytesOf(value, tensor.datatype)))
      parts.push(part)
      return { ...tensor, parameters: { binary_data_size: part.length } }
    })
    const json = Buffer.from(JSON.stringify({ inputs, parameters: { binary_data_output: true } }))
    const { rawPayload, headers } = await post(
      app,
      `/v2/models/${name}/infer`,
      Buffer.concat([json, ...parts]),
      {
        'content-type': 'application/octet-stream',
        'inference-header-content-length': String(json.length),
      },
    )
    const start = Number(headers['inference-header-content-length'])
    return installs.map((_, at) => rawPayload.readDoubleLE(start + 8 * at))
  },
}

const anyText = fc.oneof(
  fc.constantFrom(
    'es',
    'US',
    'Madrid',
    'iOS',
    'ANDROID',
    'Organic',
    'Apple iPhone',
    '14.4',
    '',
    'null',
    'NaN',
    '7',
  ),
  fc
    .string({
      unit: fc.constantFrom(',', '"', '\n', '\r', 'a', 'É', '€', '😀', ' ', ';', '\\', "'"),
      maxLength: 20,
    })
    .filter((text) => !text.endsWith('\r')),
)
const anyCount = fc.oneof(
  fc.integer({ min: 0, max: 1000 }),
  fc.double({ min: 0, max: 1e6, noNaN: true }),
  fc.constantFrom(0, 5e-324, 2 ** 53, 1e21, 1e300, 0.1),
)
function anyValue(field: string): fc.Arbitrary<string | number | null> {
  if (isCount(field)) return field === 'event_3' ? fc.option(anyCount) : anyCount
  // An empty cell is null.
  return field === 'platform' ? anyText.filter((text) => text !== '') : fc.option(anyText)
}
const anyInstall = fc.record(
  Object.fromEntries(
    FIELDS.map((field): [string, fc.Arbitrary<string | number | null>] => [field, anyValue(field)]),
  ),
)

t.test('the same number on every road, and a record of each', async (t) => {
  const { app, logged } = await appWith({ rollout: rolloutOf(bundle) })
  let compared = 0
  await fc.assert(
    fc.asyncProperty(fc.array(anyInstall, { minLength: 1, maxLength: 5 }), async (installs) => {
      const expected = installs.map((install) => Number(bundle.predict(rowOf(install)).revenue.toFixed(6)))
      for (const [road, answers] of Object.entries(ROADS)) {
        logged.splice(0)
        deepEqual(await answers(app, installs), expected, road)
        deepEqual(
          logged.map(({ predictedRevenue }) => predictedRevenue),
          expected,
        )
        compared += installs.length
      }
    }),
    { numRuns: 60 },
  )
  t.pass(`${compared} answers compared`)
  await app.close()
})
