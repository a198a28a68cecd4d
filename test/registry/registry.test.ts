/**
 * `day7 publish`, `promote`, `pull` and `models` against a real MLflow server, in long runs of both generations; Python's client reads
 * what they wrote. What Python's training registers is promoted by test/lifecycle.test.ts.
 */
import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import t, { type Test } from 'tap'
import { run } from '../../src/cli.ts'
import { PYTHON } from '../../training/venv.ts'
import { GENERATIONS } from '../long.ts'
import { createMlflowServer, type MlflowServer } from '../mlflow-server.ts'
import { PYTHON_ENVIRONMENT } from '../training.ts'

const execute = promisify(execFile)
const SHIPPED = 'artifacts/champion'
const { version: SHIPPED_VERSION } = JSON.parse(readFileSync(`${SHIPPED}/manifest.json`, 'utf8'))

const folder = mkdtempSync(join(tmpdir(), 'day7-registry-'))
t.teardown(() => rmSync(folder, { recursive: true }))

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** In this process: test/cli.test.ts has the command line as a process. */
async function day7(environment: Record<string, string>, ...args: string[]): Promise<Ran> {
  const printed = { log: '', error: '' }
  const { log, error } = console
  console.log = (text) => void (printed.log += `${text}\n`)
  console.error = (text) => void (printed.error += `${text}\n`)
  try {
    return { code: await run(args, environment), stdout: printed.log, stderr: printed.error }
  } finally {
    Object.assign(console, { log, error })
  }
}

const filesOf = (folder: string) =>
  Object.fromEntries(readdirSync(folder).map((file) => [file, readFileSync(join(folder, file))]))

const servers = await Promise.all(
  GENERATIONS.map(async (generation) => {
    const server = await createMlflowServer(generation)
    t.teardown(() => server.remove())
    return server
  }),
)

for (const [at, server] of servers.entries())
  t.test(`MLflow ${GENERATIONS[at]}: publish, list, promote, pull`, (t) => life(t, server))

async function life(t: Test, server: MlflowServer): Promise<void> {
  const at = { MLFLOW_TRACKING_URI: server.url }
  t.match(await day7(at, 'models'), { code: 1, stderr: /RESOURCE_DOES_NOT_EXIST/ }, 'nothing is there yet')
  t.match(await day7(at, 'publish', '--bundle', SHIPPED, '--alias', 'challenger'), {
    code: 0,
    stdout: new RegExp(
      `^uploaded and read back: 7 files, run [0-9a-f]{32}\nday7-revenue ${SHIPPED_VERSION} is day7-revenue version 1, challenger\n$`,
    ),
  })
  t.match(await day7(at, 'promote', '--version', '1'), {
    code: 0,
    stdout: `day7-revenue version 1 (${SHIPPED_VERSION}) is champion; there was none\nthere is no challenger any more\n`,
  })
  const other = join(folder, `other of ${server.url.split(':').at(-1)}`)
  cpSync(SHIPPED, other, { recursive: true })
  writeFileSync(
    join(other, 'manifest.json'),
    readFileSync(join(other, 'manifest.json'), 'utf8').replace(SHIPPED_VERSION, 'other'),
  )
  t.match(await day7(at, 'publish', '--bundle', other), {
    stdout: /day7-revenue other is day7-revenue version 2\n$/,
  })
  t.match(await day7(at, 'promote', '--version', '2'), {
    stdout: 'day7-revenue version 2 (other) is champion; before: version 1\n',
  })
  const { stdout } = await day7(at, 'models')
  const [headings, ...rows] = stdout.trimEnd().split('\n')
  t.match(headings, /^version +alias +bundle +created +MAE +Gini +bias$/)
  t.match(rows[0], /^2 +champion +other +20\d\d-\d\d-\d\d \d\d:\d\d +\d+\.\d+ +0\.\d+ +[01]\.\d+$/)
  t.match(rows[1], new RegExp(`^1 +– +${SHIPPED_VERSION} `))

  const out = join(other, '..', `pulled of ${server.url.split(':').at(-1)}`)
  t.match(await day7(at, 'pull', '--model', 'models:/day7-revenue@champion', '--out', out), {
    code: 0,
    stdout: new RegExp(
      `^day7-revenue version 2: day7-revenue other, 400 of 400 golden predictions equal, in `,
    ),
  })
  t.same(filesOf(out), filesOf(other), 'byte for byte')
  t.match(await day7(at, 'pull', '--model', 'models:/day7-revenue/1', '--out', out), { code: 0 })
  t.same(filesOf(out), filesOf(SHIPPED), 'a bundle is replaced')
  t.same(
    readdirSync(folder).filter((name) => name.includes('incoming')),
    [],
    'nothing is left beside it',
  )
}

t.test('Python’s client reads what was published', async (t) => {
  const urls = servers.map(({ url }) => url)
  for (const url of urls) {
    const at = { MLFLOW_TRACKING_URI: url, MLFLOW_MODEL_NAME: 'for Python' }
    await day7(at, 'publish', '--bundle', SHIPPED, '--alias', 'challenger')
  }
  const script = ['test/registry/python_side.py', 'for Python', `${SHIPPED}/golden.ndjson`, ...urls]
  const env = { ...process.env, PYTHONPATH: resolve('training'), ...PYTHON_ENVIRONMENT }
  const { stdout } = await execute(PYTHON, script, { env })
  const reads = JSON.parse(stdout)
  t.equal(reads.length, urls.length)
  for (const read of reads) {
    const manifest = JSON.parse(readFileSync(`${SHIPPED}/manifest.json`, 'utf8'))
    t.match(read, { version: '1', status: 'FINISHED', tags: { bundle_version: SHIPPED_VERSION } })
    for (const [file, hash] of Object.entries(manifest.files)) t.equal(read.tags[`sha256.${file}`], hash)
    t.equal(read.metrics.holdout_normalised_gini, manifest.metrics.holdout.normalisedGini)
    t.equal(read.params.num_leaves, String(manifest.parameters.num_leaves))
    const outputs = readFileSync(`${SHIPPED}/golden.ndjson`, 'utf8')
      .trim()
      .split('\n')
      .map((line) => Math.max(0, JSON.parse(line).output))
    t.same(read.predictions, outputs, 'and its model predicts the golden predictions')
  }
})

t.test('what is wrong is said, and registers nothing', async (t) => {
  const at = { MLFLOW_TRACKING_URI: servers.at(-1)!.url, MLFLOW_MODEL_NAME: 'wrong' }
  const broken = join(folder, 'broken')
  cpSync(SHIPPED, broken, { recursive: true })
  writeFileSync(join(broken, 'profile.json'), '{}')
  t.match(await day7(at, 'publish', '--bundle', broken, '--alias', 'champion'), {
    code: 1,
    stderr: /profile\.json: expected sha256/,
  })
  t.match(await day7(at, 'models'), { code: 1, stderr: /RESOURCE_DOES_NOT_EXIST/ }, 'nothing is registered')
  t.match(await day7(at, 'publish', '--bundle', SHIPPED, '--alias', 'latest'), {
    code: 1,
    stderr: /^expected an alias that MLflow takes, got "latest"/,
  })
  t.match(await day7(at, 'promote', '--version', '9'), { code: 1, stderr: /RESOURCE_DOES_NOT_EXIST/ })
  t.match(await day7(at, 'pull', '--model', 'models:/wrong@nobody', '--out', join(folder, 'x')), {
    code: 1,
    stderr: /expected models:\/wrong@nobody to name a model version, got none/,
  })
  t.match(await day7(at, 'pull', '--model', 'wrong/1', '--out', join(folder, 'x')), {
    code: 1,
    stderr: /expected a model URI of the form/,
  })
  t.match(await day7(at, 'pull', '--model', 'models:/day7-revenue/1', '--out', 'src'), {
    code: 1,
    stderr: /expected .*src to be free or to hold a bundle and no more, got \S+ in it/,
  })
  const other = join(folder, 'a web app')
  cpSync(SHIPPED, other, { recursive: true })
  writeFileSync(join(other, 'thesis.txt'), 'years of work')
  t.match(await day7(at, 'pull', '--model', 'models:/day7-revenue/1', '--out', other), {
    code: 1,
    stderr: /got thesis\.txt in it/,
  })
  t.equal(readFileSync(join(other, 'thesis.txt'), 'utf8'), 'years of work')
  t.match(await day7({}, 'models'), { code: 2, stderr: /MLFLOW_TRACKING_URI: expected http/ })
  t.match(await day7({ MLFLOW_TRACKING_URI: 'http://127.0.0.1:1' }, 'models'), {
    code: 1,
    stderr: /ECONNREFUSED/,
  })
  t.match(await day7(at, 'publish'), { code: 2, stderr: /publish: expected --bundle DIR/ })
  t.match(await day7(at, 'publish', '--bundel', 'x'), {
    code: 2,
    stderr: /unknown option --bundel; did you mean --bundle/,
  })
  t.match(await day7(at, 'promote', '--version', 'two'), {
    code: 2,
    stderr: /expected --version N, got "two"/,
  })
})
