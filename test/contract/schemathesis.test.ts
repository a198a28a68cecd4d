/**
 * Schemathesis asks the whole API, by its own OpenAPI document, for what it allows and for what it does not: no 500, no status that is
 * not documented, no answer that breaks its schema, no way past the key. `npm run test:long` asks for much more.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { LONG } from '../long.ts'
import { startService, untilReady } from '../service.ts'
import { logSettings } from '../shared-postgres.ts'
import { pythonWith } from '../venv.ts'
import { PYTHON_ENVIRONMENT } from '../training.ts'

const FOLDER = import.meta.dirname
/** Of each operation, in each phase that draws them. */
const EXAMPLES = LONG ? 200 : 5
const execute = promisify(execFile)

t.test('all checks, on all operations', async (t) => {
  const python = pythonWith(join(FOLDER, 'requirements.lock'))
  const settings = await logSettings(t)
  const folder = settings.DATA_DIR
  const keys = { API_KEYS_FILE: join(folder, 'keys.json') }
  const create = ['keys', 'create', '--name', 'contract', '--scopes', 'predict,read,outcomes,admin']
  const { stdout: key } = await execute(process.execPath, ['src/cli.ts', ...create], { env: keys })
  const service = await startService(t, { ...settings, AUTH: 'on', ...keys, METRICS_AUTH: 'on' })
  await untilReady(service.url)
  const headers = { 'x-api-key': key.trim() }
  const { paths } = (await (await fetch(`${service.url}/docs/json`)).json()) as {
    paths: Record<string, object>
  }
  const operations = Object.values(paths).flatMap((methods) => Object.keys(methods)).length
  const model = (await (await fetch(`${service.url}/model/info`, { headers })).json()) as Model

  const args = ['--config-file', join(FOLDER, 'schemathesis.toml'), '--no-color', 'run']
  // The short form asks the same each time, so that it fails for a change alone; the long form looks for more.
  const choice = LONG
    ? ['--generation-database', ':memory:']
    : ['--generation-deterministic', '--phases', 'examples,coverage']
  const checks = ['--checks', 'all', '--max-examples', String(EXAMPLES)]
  const printed = await execute(
    python,
    ['-m', 'schemathesis.cli', ...args, ...checks, ...choice, `${service.url}/docs/json`],
    {
      maxBuffer: 1e8,
      cwd: folder,
      env: {
        PATH: process.env['PATH'],
        HOME: folder,
        ...PYTHON_ENVIRONMENT,
        PYTHONPATH: FOLDER,
        SCHEMATHESIS_HOOKS: 'hooks',
        DAY7_KEY: headers['x-api-key'],
        DAY7_MODEL: model.name,
        DAY7_VERSION: model.version,
      },
    },
  ).then(
    ({ stdout }) => ({ stdout, code: 0 }),
    (error: { stdout: string; stderr: string; code: number }) => ({
      stdout: error.stdout + error.stderr,
      code: error.code,
    }),
  )
  if (printed.code !== 0) t.comment(printed.stdout)
  t.equal(printed.code, 0, /=+ .* in .*=+/.exec(printed.stdout)?.[0] ?? 'it ran')
  t.match(printed.stdout, new RegExp(`Tested: ${operations}\\b`), 'all of them')
  t.equal(service.process.exitCode, null, 'the service lives')
  await service.stop()
})

interface Model {
  readonly name: string
  readonly version: string
}
