/**
 * Every call against real servers of both generations; what MLflow's own client reads of it, and what ours reads of that; a server
 * that is killed, frozen and started again. The older generation, which needs an environment of its own, is for long runs.
 */
import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { createMlflowClient, type MlflowClient } from '../../src/mlflow/index.ts'
import { PYTHON } from '../../training/venv.ts'
import { GENERATIONS, LONG } from '../long.ts'
import { createMlflowServer, type Generation, type MlflowServer } from '../mlflow-server.ts'
import { PYTHON_ENVIRONMENT } from '../training.ts'
import { clientOf, failure } from './fake-server.ts'

const ELSEWHERE = !LONG && 'seconds until MLflow has started once more: npm run test:long'

const MODEL = "o'brien's day7"
const FILE = randomBytes(3_000_000)
const FILES = ['model/model.txt', 'model/a b/é+&%.json']
const MAX = { maxBytes: 10_000_000 }

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const read = async (body: Readable): Promise<Buffer> => Buffer.concat(await body.toArray())

interface Side {
  readonly generation: Generation
  readonly server: MlflowServer
  readonly client: MlflowClient
  runId: string
}

const sides: readonly Side[] = await Promise.all(
  GENERATIONS.map(async (generation) => {
    const server = await createMlflowServer(generation)
    t.teardown(() => server.remove())
    return { generation, server, client: clientOf(t, server.url), runId: '' }
  }),
)

for (const side of sides) {
  t.test(`MLflow ${side.generation}: a life`, (t) => life(t, side))
  t.test(`MLflow ${side.generation}: what does not exist, and what is refused`, (t) => refusals(t, side))
}

async function life(t: Test, side: Side): Promise<void> {
  const { client } = side
  await client.health()
  t.match(await client.version(), { 2: /^2\.22\./, 3: /^3\./ }[side.generation])

  t.equal(await client.getExperimentByName('e'), null)
  const ids = await Promise.all(Array.from({ length: 4 }, () => client.getOrCreateExperiment('e')))
  t.equal(new Set(ids).size, 1, 'all that ask at once get the same')
  const experimentId = ids[0]!
  t.match(await client.getExperimentByName('e'), { experimentId, name: 'e', lifecycleStage: 'active' })

  const run = await client.createRun({
    experimentId,
    runName: 'r',
    startTimeMs: 1_700_000_000_123.9,
    tags: { a: 'ü' },
  })
  t.match(run, {
    experimentId,
    runName: 'r',
    status: 'RUNNING',
    startTimeMs: 1_700_000_000_123,
    endTimeMs: null,
  })
  t.match(run.artifactUri, /^mlflow-artifacts:\//)
  const { runId } = run
  side.runId = runId

  const metrics = Array.from({ length: 1_500 }, (_, at) => ({
    key: `m ${at % 750}`,
    value: at / 3,
    timestampMs: 1_000 + at,
    step: at,
  }))
  const strange = { greatest: Infinity, least: -Infinity, small: 5e-324 }
  const more = Object.entries(strange).map(([key, value]) => ({ key, value, timestampMs: 5 }))
  const params = Object.fromEntries(Array.from({ length: 250 }, (_, at) => [`p/${at}`, `value ${at}`]))
  const batch = {
    metrics: [...metrics, ...more],
    params: { ...params, long: 'é'.repeat(7_000), empty: '' },
    tags: new Map([['long', '😀'.repeat(5_000)]]),
  }
  await client.logBatch(runId, batch)
  await client.logBatch(runId, batch) // as after an answer that got lost
  await client.logBatch(runId, { metrics: [{ key: 'nan', value: NaN, timestampMs: 5 }] })
  await client.setRunTag(runId, 'b', 'c')
  await client.updateRun(runId, { status: 'FINISHED', endTimeMs: 1_700_000_001_000 })
  const logged = await client.getRun(runId)
  t.match(logged, { status: 'FINISHED', endTimeMs: 1_700_000_001_000 })
  t.equal(logged.metrics.size, 754)
  t.strictSame(logged.metrics.get('m 749'), {
    key: 'm 749',
    value: 1_499 / 3,
    timestampMs: 2_499,
    step: 1_499,
  })
  const kept = Object.keys(strange).map((key) => logged.metrics.get(key)?.value)
  t.strictSame(kept, [Number.MAX_VALUE, -Number.MAX_VALUE, 5e-324])
  t.strictSame(logged.metrics.get('nan')?.value, NaN)
  t.equal(logged.params.size, 252)
  t.equal(logged.params.get('p/249'), 'value 249')
  t.equal(logged.params.get('empty'), '')
  t.equal(logged.params.get('long'), 'é'.repeat(6_000))
  t.match(Object.fromEntries(logged.tags), { a: 'ü', b: 'c', long: '😀'.repeat(4_000) })

  const others = await Promise.all([1, 2, 3].map((at) => client.createRun({ experimentId, startTimeMs: at })))
  const search = { experimentIds: [experimentId], orderBy: ['attributes.start_time ASC'] }
  const found = await client.searchRuns(search)
  t.strictSame(
    found.map(({ runId }) => runId),
    [...others.map(({ runId }) => runId), runId],
  )
  t.equal((await client.searchRuns({ ...search, maxResults: 2 })).length, 2)
  t.match(await client.searchRuns({ ...search, filter: "params.`p/1` = 'value 1'" }), [{ runId }])

  await artifacts(t, client, run)
  await registry(t, client, run)
}

async function artifacts(
  t: Test,
  client: MlflowClient,
  run: { runId: string; artifactUri: string },
): Promise<void> {
  const { runId } = run
  const chunks = [FILE.subarray(0, 1_000_000), FILE.subarray(1_000_000)]
  await client.uploadArtifact(run, FILES[0]!, Readable.from(chunks), FILE.length)
  await client.uploadArtifact(run, FILES[1]!, Readable.from(chunks))
  await client.uploadArtifact(run, 'model/empty', Buffer.alloc(0))
  await client.uploadArtifact(run, 'top.txt', Buffer.from('first'))
  await client.uploadArtifact(run, 'top.txt', Buffer.from('second'))
  const byPath = (a: { path: string }, b: { path: string }) => (a.path < b.path ? -1 : 1)
  t.strictSame((await client.listRunArtifacts(runId)).sort(byPath), [
    { path: 'model', isFolder: true, sizeBytes: null },
    { path: 'top.txt', isFolder: false, sizeBytes: 6 },
  ])
  t.strictSame((await client.listRunArtifacts(runId, 'model')).sort(byPath), [
    { path: 'model/a b', isFolder: true, sizeBytes: null },
    { path: 'model/empty', isFolder: false, sizeBytes: null },
    { path: 'model/model.txt', isFolder: false, sizeBytes: FILE.length },
  ])
  t.strictSame(await client.listRunArtifacts(runId, 'nothing'), [])
  for (const path of FILES) {
    const { body, contentLength } = await client.downloadRunArtifact(runId, path, MAX)
    t.equal(contentLength, FILE.length)
    t.equal(sha256(await read(body)), sha256(FILE), path)
  }
  t.equal((await read((await client.downloadRunArtifact(runId, 'top.txt', MAX)).body)).toString(), 'second')
  t.match(await failure(client.downloadRunArtifact(runId, FILES[0]!, { maxBytes: 2_999_999 })), {
    code: 'MLFLOW_ANSWER_TOO_LARGE',
  })
}

async function registry(
  t: Test,
  client: MlflowClient,
  run: { runId: string; artifactUri: string },
): Promise<void> {
  const { runId } = run
  const name = MODEL
  const source = `${run.artifactUri}/model`
  await client.createRegisteredModel(name, { description: 'd', tags: { a: 'b' } })
  await client.createRegisteredModel(name, { description: 'another' })
  t.equal(await client.getLatestModelVersion(name), null)
  t.strictSame(await client.searchModelVersions(name), [])
  const first = await client.createModelVersion({
    name,
    source,
    runId,
    tags: { sha256: 'x' },
    description: 'v',
  })
  t.match(first, { name, version: '1', source, runId, status: 'READY', description: 'v', aliases: [] })
  t.ok(Math.abs(first.createdMs! - Date.now()) < 60_000)
  const second = await client.createModelVersion({ name, source, runId })
  t.equal(second.version, '2')

  await client.setModelVersionTag(name, '1', 'sha256', sha256(FILE))
  await client.setModelVersionTag(name, '1', 'rmse', '0.5')
  const tagged = await client.getModelVersion(name, '1')
  t.strictSame([...tagged.tags].sort(), [
    ['rmse', '0.5'],
    ['sha256', sha256(FILE)],
  ])
  t.strictSame(
    (await client.searchModelVersions(name)).map(({ version }) => version),
    ['2', '1'],
    'the newest first, though the other changed later',
  )

  t.equal(await client.getAlias(name, 'champion'), null)
  await client.setAlias(name, 'champion', '1')
  await client.setAlias(name, 'Challenger', '1')
  const champion = await client.getAlias(name, 'champion')
  t.match(champion, { version: '1', runId, source })
  t.strictSame([...champion!.aliases].sort(), ['Challenger', 'champion'])
  t.equal(await client.getAlias(name, 'challenger'), null, 'upper and lower case differ')
  t.equal((await client.resolveModel(`models:/${name}@champion`)).version, '1')
  t.equal((await client.resolveModel(`models:/${name}/1`)).version, '1')
  t.equal((await client.resolveModel(`models:/${name}/latest`)).version, '2')
  await client.setAlias(name, 'champion', '2')
  const moved = await client.pollAlias(name, 'champion')
  t.match(moved, { changed: true, modelVersion: { version: '2' }, etag: null })
  const model = await client.getRegisteredModel(name)
  t.match(model, { name, description: 'd' })
  t.strictSame([...model.tags], [['a', 'b']])
  t.strictSame([...model.aliases].sort(), [
    ['Challenger', '1'],
    ['champion', '2'],
  ])
  await client.deleteAlias(name, 'Challenger')
  await client.deleteAlias(name, 'Challenger')
  t.equal(await client.getAlias(name, 'Challenger'), null)

  t.strictSame((await client.listModelArtifacts(name, '1')).map(({ path }) => path).sort(), [
    'a b',
    'empty',
    'model.txt',
  ])
  t.strictSame(await client.listModelArtifacts(name, '1', 'a b'), [
    { path: 'a b/é+&%.json', isFolder: false, sizeBytes: FILE.length },
  ])
  const { body, contentLength } = await client.downloadModelArtifact(name, '1', 'model.txt', MAX)
  t.equal(contentLength, FILE.length)
  t.equal(sha256(await read(body)), sha256(FILE))
  t.equal(sha256(await client.downloadModelFile(name, '2', 'a b/é+&%.json', MAX)), sha256(FILE))
  t.equal((await client.downloadModelFile(name, '2', 'empty', MAX)).length, 0)
}

async function refusals(t: Test, { client, runId }: Side): Promise<void> {
  const name = MODEL
  const { artifactUri } = await client.getRun(runId)
  const MISSING = 'RESOURCE_DOES_NOT_EXIST'
  const REFUSED = 'INVALID_PARAMETER_VALUE'
  const cases: [string, string, () => Promise<unknown>][] = [
    ['run', MISSING, () => client.getRun('x')],
    ['run to update', MISSING, () => client.updateRun('x', { status: 'FAILED' })],
    ['run to log to', MISSING, () => client.logBatch('x', { tags: { a: 'b' } })],
    ['run to tag', MISSING, () => client.setRunTag('x', 'a', 'b')],
    ['run to list', MISSING, () => client.listRunArtifacts('x')],
    ['run to download of', MISSING, () => client.downloadRunArtifact('x', 'f', MAX)],
    ['experiment', MISSING, () => client.createRun({ experimentId: '99999' })],
    ['experiment of the same name', 'RESOURCE_ALREADY_EXISTS', () => client.createExperiment('e')],
    ['another value of a param', REFUSED, () => client.logBatch(runId, { params: { 'p/0': 'x' } })],
    ['a key', REFUSED, () => client.logBatch(runId, { tags: { 'what?': 'x' } })],
    ['a filter', REFUSED, () => client.searchRuns({ experimentIds: ['0'], filter: 'x' })],
    ['model', MISSING, () => client.getRegisteredModel('x')],
    [
      'model to make a version of',
      MISSING,
      () => client.createModelVersion({ name: 'x', source: `${artifactUri}/m`, runId }),
    ],
    ['a source on the disk', REFUSED, () => client.createModelVersion({ name, source: '/etc', runId })],
    ['version', MISSING, () => client.getModelVersion(name, '99')],
    ['version of no model', MISSING, () => client.getModelVersion('x', '1')],
    ['a version that is no number', REFUSED, () => client.getModelVersion(name, 'x')],
    ['version to tag', MISSING, () => client.setModelVersionTag(name, '99', 'a', 'b')],
    ['version to point at', MISSING, () => client.setAlias(name, 'a', '99')],
    ['version to download of', MISSING, () => client.downloadModelFile(name, '99', 'f', MAX)],
    ['version to list', MISSING, () => client.listModelArtifacts(name, '99')],
    ['an alias that is reserved', REFUSED, () => client.setAlias(name, 'latest', '1')],
    ['model whose alias to delete', MISSING, () => client.deleteAlias('x', 'a')],
    ['alias to resolve', MISSING, () => client.resolveModel(`models:/${name}@x`)],
    ['latest to resolve', MISSING, () => client.resolveModel('models:/x/latest')],
    ['version to resolve', MISSING, () => client.resolveModel(`models:/${name}/99`)],
  ]
  for (const [what, code, call] of cases) t.match(await failure(call()), { code, name: 'MlflowError' }, what)
  t.equal(await client.getAlias('x', 'champion'), null, 'no model, no alias')
  t.strictSame(await client.searchModelVersions('x'), [])
  const missing = await failure(client.downloadModelFile(name, '1', 'missing', MAX))
  const isThree = (await client.version()).startsWith('3')
  t.match(
    missing,
    isThree ? { code: MISSING, status: 404 } : { code: 'MLFLOW_UNEXPECTED_ANSWER', status: 500 },
  )
}

t.test(
  "MLflow's own client reads what ours wrote, and ours what it wrote",
  { skip: ELSEWHERE },
  async (t) => {
    const asked = sides.map(({ server, runId }) => ({ url: server.url, runId, model: MODEL, files: FILES }))
    const env = {
      ...process.env,
      ...PYTHON_ENVIRONMENT,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR: 'false',
    }
    const options = { env, maxBuffer: 2 ** 26 }
    const { stdout } = await promisify(execFile)(
      PYTHON,
      ['test/mlflow/python_side.py', JSON.stringify(asked)],
      options,
    )
    const answers = JSON.parse(stdout.trim().split('\n').at(-1)!)
    for (const [at, { client }] of sides.entries()) {
      const { read: theirs, written } = answers[at]
      t.match(theirs, {
        status: 'FINISHED',
        params: { 'p/0': 'value 0', 'p/249': 'value 249', empty: '', long: 'é'.repeat(6_000) },
        metrics: { 'm 0': '250.0', 'm 749': String(1_499 / 3), nan: 'nan', small: '5e-324' },
        tags: { a: 'ü', b: 'c', 'mlflow.runName': 'r' },
        version: '2',
        aliases: { champion: '2' },
        files: Object.fromEntries(FILES.map((path) => [path, sha256(FILE)])),
      })
      t.equal(Object.keys(theirs.params).length, 252)
      t.equal(Object.keys(theirs.metrics).length, 754)

      const model = `${MODEL} of Python`
      const run = await client.getRun(written.runId)
      t.match(run, { runName: 'of Python', status: 'FINISHED' })
      t.strictSame([...run.params], [['rounds', '7']])
      t.strictSame(run.metrics.get('rmse'), { key: 'rmse', value: 0.1 + 0.2, timestampMs: 1_234, step: 5 })
      t.strictSame(run.metrics.get('bad')?.value, NaN)
      t.equal(run.tags.get('kind'), 'ü')
      const version = await client.resolveModel(`models:/${model}@challenger`)
      t.match(version, { version: written.version, runId: written.runId, status: 'READY' })
      t.equal(version.tags.get('sha256'), written.sha256)
      t.match(await client.listModelArtifacts(model, version.version), [
        { path: 'model é.txt', sizeBytes: 256_000 },
      ])
      const file = await client.downloadModelFile(model, version.version, 'model é.txt', MAX)
      t.equal(sha256(file), written.sha256)
    }
  },
)

t.test('a server that does not pass artifacts on is named as the cause', async (t) => {
  const client = createMlflowClient({ trackingUri: sides.at(-1)!.server.url })
  t.teardown(() => client.close())
  const artifactLocation = 's3://bucket/e'
  const experimentId = await client.createExperiment('elsewhere', { artifactLocation, tags: { a: 'b' } })
  const run = await client.createRun({ experimentId })
  t.match(await failure(client.uploadArtifact(run, 'f', Buffer.from('x'))), {
    code: 'INVALID_ARTIFACT_URI',
    message: /got "s3:\/\/bucket\/e\/.*": start the MLflow server with --serve-artifacts/,
  })
  t.strictSame([...(await client.getExperimentByName('elsewhere'))!.tags], [['a', 'b']])
})

// At the end, as it leaves the server stopped.
t.test('killed, started again and frozen', { skip: ELSEWHERE }, async (t) => {
  const { server } = sides[0]!
  const policy = { retries: 400, firstDelayMs: 50, greatestDelayMs: 250, headersTimeoutMs: 500 }
  const patient = clientOf(t, server.url, { policy })
  const hasty = clientOf(t, server.url, { policy: { retries: 0, headersTimeoutMs: 300 } })
  t.equal((await patient.getAlias(MODEL, 'champion'))?.version, '2')
  await server.kill()
  t.match(await failure(hasty.getAlias(MODEL, 'champion')), { code: 'MLFLOW_UNREACHABLE' })
  const [alias] = await Promise.all([patient.getAlias(MODEL, 'champion'), server.start()])
  t.equal(alias?.version, '2', 'who tries again does not notice')

  server.freeze()
  t.match(await failure(hasty.getAlias(MODEL, 'champion')), { code: 'MLFLOW_TIMEOUT' })
  const pending = patient.getAlias(MODEL, 'champion')
  for (let i = 0; i < 3; i++)
    t.match(await failure(hasty.getAlias(MODEL, 'champion')), { code: 'MLFLOW_TIMEOUT' })
  server.thaw()
  t.equal((await pending)?.version, '2')

  await server.stop()
  t.match(await failure(hasty.health()), { code: 'MLFLOW_UNREACHABLE' })
})
