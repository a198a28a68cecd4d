/**
 * The registry where a real server does not play along: versions that take their time, ETags, pages, strange names.
 */
import t from 'tap'
import { clientOf, failure, fakeServer, serverError } from './fake-server.ts'

const version = (more: object = {}) => ({
  model_version: { name: 'm', version: '7', source: 's', run_id: '', status: 'READY', ...more },
})

t.test('a version is waited for until it is ready', async (t) => {
  const pending = { body: version({ status: 'PENDING_REGISTRATION' }) }
  const server = await fakeServer(t, pending, pending, { body: version() })
  const made = await clientOf(t, server.url).createModelVersion({ name: 'm', source: 's', tags: { a: 'b' } })
  t.match(made, { version: '7', status: 'READY', runId: null })
  t.strictSame(
    server.asked.map(({ method, url }) => `${method} ${url.split('/').at(-1)}`),
    ['POST create', 'GET get?name=m&version=7', 'GET get?name=m&version=7'],
  )
})

t.test('one that fails, and one that never is', async (t) => {
  const failed = await fakeServer(t, { body: version({ status: 'FAILED_REGISTRATION' }) })
  t.match(await failure(clientOf(t, failed.url).createModelVersion({ name: 'm', source: 's' })), {
    code: 'MLFLOW_REGISTRATION_FAILED',
  })
  const never = await fakeServer(t, { body: version({ status: 'PENDING_REGISTRATION' }) })
  const client = clientOf(t, never.url, { policy: { totalTimeoutMs: 2_000 } })
  t.match(await failure(client.createModelVersion({ name: 'm', source: 's' })), {
    code: 'MLFLOW_TIMEOUT',
    message: /version 7 of "m" to become READY, got PENDING_REGISTRATION/,
  })
  const stop = AbortSignal.timeout(30)
  const error = await failure(
    clientOf(t, never.url).createModelVersion({ name: 'm', source: 's', signal: stop }),
  )
  t.equal(error, stop.reason as typeof error)
})

t.test('a model that is there already', async (t) => {
  const server = await fakeServer(t, { status: 400, body: serverError('RESOURCE_ALREADY_EXISTS') })
  await clientOf(t, server.url).createRegisteredModel('m', { description: 'd', tags: { a: 'b' } })
  t.same(JSON.parse(server.asked[0]!.body), { name: 'm', description: 'd', tags: [{ key: 'a', value: 'b' }] })
})

t.test('an experiment that two make at once', async (t) => {
  const found = { body: { experiment: { experiment_id: '4', name: 'e', lifecycle_stage: 'active' } } }
  const absent = { status: 404, body: serverError('RESOURCE_DOES_NOT_EXIST') }
  const late = await fakeServer(
    t,
    absent,
    { status: 400, body: serverError('RESOURCE_ALREADY_EXISTS') },
    found,
  )
  t.equal(await clientOf(t, late.url).getOrCreateExperiment('e'), '4')
  const gone = await fakeServer(t, {
    body: { experiment: { experiment_id: '4', name: 'e', lifecycle_stage: 'deleted' } },
  })
  t.match(await failure(clientOf(t, gone.url).getOrCreateExperiment('e')), {
    code: 'INVALID_STATE',
    message: /restore/,
  })
})

t.test('an alias is polled with the ETag of the last answer', async (t) => {
  const server = await fakeServer(
    t,
    { body: version(), headers: { etag: '"1"' } },
    { status: 304, headers: { etag: '"1"' } },
    { body: version({ version: '8' }) },
    { status: 404, body: serverError('RESOURCE_DOES_NOT_EXIST') },
  )
  const client = clientOf(t, server.url)
  const first = await client.pollAlias('m', 'champion')
  t.match(first, { changed: true, modelVersion: { version: '7' }, etag: '"1"' })
  t.strictSame(await client.pollAlias('m', 'champion', { etag: '"1"' }), { changed: false })
  t.match(await client.pollAlias('m', 'champion', { etag: '"1"' }), {
    changed: true,
    modelVersion: { version: '8' },
    etag: null,
  })
  t.strictSame(await client.pollAlias('m', 'champion', { etag: null }), {
    changed: true,
    modelVersion: null,
    etag: null,
  })
  t.strictSame(
    server.asked.map(({ headers }) => headers['if-none-match']),
    [undefined, '"1"', '"1"', undefined],
  )
})

t.test('no alias is null, other refusals are errors', async (t) => {
  const cases: [string, string, boolean][] = [
    ['RESOURCE_DOES_NOT_EXIST', 'Registered Model with name=m not found', true],
    ['INVALID_PARAMETER_VALUE', 'Registered model alias champion not found.', true],
    ['INVALID_PARAMETER_VALUE', "Missing value for required parameter 'name'.", false],
    ['PERMISSION_DENIED', 'Registered model alias champion not found.', false],
  ]
  for (const [code, message, isNull] of cases) {
    const server = await fakeServer(t, { status: 400, body: serverError(code, message) })
    const client = clientOf(t, server.url)
    if (isNull) t.equal(await client.getAlias('m', 'champion'), null, message)
    else t.match(await failure(client.getAlias('m', 'champion')), { code }, message)
    const resolved = await failure(client.resolveModel('models:/m@champion'))
    t.equal(resolved.code, isNull ? 'RESOURCE_DOES_NOT_EXIST' : code)
  }
})

t.test('names are quoted for a search', async (t) => {
  const server = await fakeServer(t, {})
  const client = clientOf(t, server.url)
  const filters = ["name='a b'", `name="o'brien"`, `name='say "x"'`]
  for (const name of ['a b', "o'brien", 'say "x"']) t.strictSame(await client.searchModelVersions(name), [])
  t.strictSame(
    server.asked.map(({ url }) => new URL(url, server.url).searchParams.get('filter')),
    filters,
  )
  t.match(await failure(client.searchModelVersions(`'"`)), { code: 'INVALID_PARAMETER_VALUE', status: null })
})

t.test('an alias is deleted with a body', async (t) => {
  const server = await fakeServer(t, {})
  await clientOf(t, server.url).deleteAlias('m', 'champion')
  t.match(server.asked[0], { method: 'DELETE', headers: { 'content-type': 'application/json' } })
  t.same(JSON.parse(server.asked[0]!.body), { name: 'm', alias: 'champion' })
})

t.test('runs are searched for page by page, no more than asked for', async (t) => {
  const runs = (...ids: string[]) => ids.map((run_id) => ({ info: { run_id, experiment_id: '1' } }))
  const server = await fakeServer(
    t,
    { body: { runs: runs('a', 'b'), next_page_token: '1' } },
    { body: { runs: runs('c'), next_page_token: '2' } },
  )
  const found = await clientOf(t, server.url).searchRuns({
    experimentIds: ['1'],
    orderBy: ['x'],
    maxResults: 3,
  })
  t.strictSame(
    found.map(({ runId }) => runId),
    ['a', 'b', 'c'],
  )
  t.same(
    server.asked.map(({ body }) => JSON.parse(body)),
    [
      { experiment_ids: ['1'], order_by: ['x'], max_results: 3 },
      { experiment_ids: ['1'], order_by: ['x'], max_results: 1, page_token: '1' },
    ],
  )
})

t.test('keys that objects have by nature are keys as others', async (t) => {
  const tags = [
    { key: '__proto__', value: 'x' },
    { key: 'constructor', value: 'y' },
  ]
  const server = await fakeServer(t, { body: version({ tags, status: undefined }) })
  const read = await clientOf(t, server.url).getModelVersion('m', '7')
  t.strictSame(
    [...read.tags],
    [
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ],
  )
  t.equal(read.status, 'READY')
})
