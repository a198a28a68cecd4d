/**
 * Clients that others wrote get `/predict`'s numbers and understand our errors: MLflow's, SageMaker's as `mlflow.deployments` has it, and
 * Triton's; with `npm run test:protocols` KServe's, too.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { json } from 'node:stream/consumers'
import t from 'tap'
import { PYTHON } from '../../training/venv.ts'
import { EXAMPLE } from '../example.ts'
import { dataFolder, startService } from '../service.ts'
import { pythonWithKserve, pythonWithTriton } from './venv.ts'
import { PYTHON_ENVIRONMENT } from '../training.ts'

const INSTALLS = [
  EXAMPLE,
  { ...EXAMPLE, country: 'fr', event_1: 3.5, event_3: null },
  { ...EXAMPLE, country: null, country_region: 'Île-de-France, "75"', os_version: '', event_1: 0 },
]

const service = await startService(t, { DATA_DIR: dataFolder(t), DATABASE_URL: 'off' })
const { name, version } = await get('/model/info')
const expected = await Promise.all(
  INSTALLS.map(async (install) => (await post('/predict', install)).predicted_revenue),
)

async function get(path: string): Promise<any> {
  return (await fetch(service.url + path)).json()
}

async function post(path: string, body: object): Promise<any> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(service.url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()
}

/** What the client printed. */
async function run(python: string, script: string, ...args: string[]): Promise<any> {
  const child = spawn(python, [`test/protocols/${script}`, service.url, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'], ...PYTHON_ENVIRONMENT, HOME: dataFolder(t) },
  })
  child.stdin.end(JSON.stringify(INSTALLS))
  const [printed, [code]] = await Promise.all([json(child.stdout).catch(() => null), once(child, 'exit')])
  t.equal(code, 0, script)
  return printed
}

function compare(answers: Record<string, unknown>): void {
  t.ok(Object.keys(answers).length > 0)
  for (const [way, revenues] of Object.entries(answers)) t.same(revenues, expected, way)
}

t.test('MLflow’s client, and SageMaker’s', async (t) => {
  const { answers, version, refused } = await run(PYTHON, 'mlflow_client.py')
  compare(answers)
  t.match(version, /^\d+\.\d+\.\d+$/)
  t.match(
    refused,
    /error code 400, response: \{"error_code":"BAD_REQUEST","message":"dataframe_split.columns: expected .*missing: event_2"\}/,
  )
})

t.test('Triton’s client', async (t) => {
  const said = await run(pythonWithTriton(), 'triton_client.py', name, version)
  compare(said.answers)
  t.match(said, {
    live: true,
    ready: true,
    model: [true, true, false],
    server: { name: 'day7', extensions: ['binary_tensor_data'] },
    versions: [version],
    refused: [
      '404 there is no model of this name in service',
      '400 inputs: expected tensors for platform and event_1 and event_2; missing: event_2',
      `404 no such route: GET /v2/models/${name}/config; /docs lists them`,
    ],
  })
})

const skip = process.env['KSERVE'] ? false : 'half a gigabyte of packages: npm run test:protocols'
t.test('KServe’s client', { skip }, async (t) => {
  const { answers, ready, refused } = await run(pythonWithKserve(), 'kserve_client.py', name)
  compare(answers)
  t.same(ready, [true, true, true, false])
  t.match(
    refused,
    /inputs: expected tensors for platform and event_1 and event_2; missing: event_1, event_2, '400 Bad Request'/,
  )
})
