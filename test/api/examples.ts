/**
 * A request for every route, in the order in which they are asked: what the ones before have written, the later ones find.
 */
import { EXAMPLE } from '../example.ts'

export interface Example {
  /** As the OpenAPI document has it: `POST /predict`. */
  readonly route: string
  /** Said above the request. */
  readonly note?: string
  /** With its parameters; left out: the route's. */
  readonly path?: string
  readonly headers?: Readonly<Record<string, string>>
  /** An object is sent as JSON. */
  readonly body?: object | string
  readonly status?: number
  /** It is asked twice; the second answer is shown. */
  readonly again?: boolean
  /** Of the answer, those that have this in them. */
  readonly lines?: string
  /** Server-sent events: reads until so many have come. */
  readonly events?: number
}

const { country, country_region, source, platform, device_family, os_version, event_1, event_2, event_3 } =
  EXAMPLE
const USER = { ...EXAMPLE, user_id: 'player 1' }
const COLUMNS = Object.keys(EXAMPLE)
const ROW = [country, country_region, source, platform, device_family, os_version, event_1, event_2, event_3]
const SENT_AS_CSV = { 'content-type': 'text/csv' }

const tensor = (name: string, datatype: string, value: unknown) => ({
  name,
  shape: [1],
  datatype,
  data: [value],
})

const TENSORS = Object.entries(EXAMPLE).map(([name, value]) =>
  tensor(name, typeof value === 'number' ? 'FP64' : 'BYTES', value),
)

/** @param model the model in service, whose name and version are in some paths */
export const examplesOf = (model: { name: string; version: string }): readonly Example[] => [
  { route: 'POST /predict', body: USER },
  { route: 'POST /predict', note: 'And why:', path: '/predict?explain=true', body: EXAMPLE },
  {
    route: 'POST /predict',
    note: 'Sent again with its `Idempotency-Key`, a request gets its first answer, and is logged once:',
    headers: { 'idempotency-key': 'install-4711' },
    again: true,
    body: EXAMPLE,
  },
  {
    route: 'POST /predict',
    note: 'A wrong one:',
    body: { ...EXAMPLE, event_1: -1 },
    status: 400,
  },
  {
    route: 'POST /batch_predict',
    note: 'A row that is wrong gets an `error` in its place; the others are answered:',
    body: { users: [USER, { ...EXAMPLE, event_1: 'many' }] },
  },
  {
    route: 'POST /batch_predict',
    note: 'CSV or JSON lines, with any number of rows, are answered while they arrive:',
    headers: SENT_AS_CSV,
    body: `${COLUMNS.join()}\n${ROW.join()}\n`,
  },
  {
    route: 'POST /outcomes',
    body: { outcomes: [{ user_id: 'player 1', revenue: 4.99 }] },
  },
  { route: 'GET /accuracy', path: '/accuracy?window=28d&by=platform' },
  {
    route: 'POST /admin/retrainings',
    body: {
      outcome: 'refused',
      model: 'day7-revenue',
      detail: 'days without complete outcomes: found 3',
      host: 'retrain-1',
    },
  },
  { route: 'GET /training-data/days' },
  { route: 'GET /training-data', path: '/training-data?format=csv' },
  {
    route: 'POST /spend',
    body: { spend: [{ date: '2026-01-01', facets: { country: 'es', source: 'Organic' }, amount: 120.5 }] },
  },
  { route: 'GET /cohorts', path: '/cohorts?bucket=week&by=country&filter=platform:ios' },
  { route: 'GET /experiments', path: '/experiments?window=28d' },
  { route: 'GET /stats', path: '/stats?window=7d' },
  { route: 'GET /stats/recent' },
  {
    route: 'GET /stats/live',
    note: 'Server-sent events, one a second, until the caller leaves:',
    events: 1,
  },
  { route: 'GET /model/info' },
  { route: 'GET /model/history' },
  { route: 'GET /model/inputs' },
  { route: 'GET /model/drift' },
  { route: 'GET /health' },
  { route: 'GET /health/live' },
  { route: 'GET /health/ready' },
  { route: 'GET /metrics', note: 'Among others:', lines: 'day7_predict' },
  { route: 'DELETE /users/{user_id}', path: '/users/player%201' },
  { route: 'POST /users/erase', body: { user_ids: ['player 1', 'player 2'] } },
  { route: 'GET /admin/rollout' },
  { route: 'PUT /admin/rollout', body: { champion: 90, challenger: 10, shadow: null } },
  { route: 'DELETE /admin/rollout' },
  {
    route: 'POST /invocations',
    body: { dataframe_split: { columns: COLUMNS, data: [ROW] } },
  },
  { route: 'GET /ping' },
  { route: 'GET /version' },
  { route: 'GET /v2' },
  { route: 'GET /v2/health/live' },
  { route: 'GET /v2/health/ready' },
  { route: 'GET /v2/models/{name}', path: `/v2/models/${model.name}` },
  { route: 'GET /v2/models/{name}/ready', path: `/v2/models/${model.name}/ready` },
  {
    route: 'POST /v2/models/{name}/infer',
    path: `/v2/models/${model.name}/infer`,
    body: { id: 'request 1', inputs: TENSORS },
  },
  {
    route: 'GET /v2/models/{name}/versions/{version}',
    path: `/v2/models/${model.name}/versions/${model.version}`,
  },
  {
    route: 'GET /v2/models/{name}/versions/{version}/ready',
    path: `/v2/models/${model.name}/versions/${model.version}/ready`,
  },
  {
    route: 'POST /v2/models/{name}/versions/{version}/infer',
    note: 'An unknown version:',
    path: `/v2/models/${model.name}/versions/7/infer`,
    body: { inputs: TENSORS.slice(0, 1) },
    status: 404,
  },
]
