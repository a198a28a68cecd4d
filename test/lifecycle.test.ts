/**
 * docs/model-lifecycle.md: its commands are run as they stand there, one after the other, on other ports and another folder, and print
 * what the page says.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { cpSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import t from 'tap'
import { makeVenv } from '../training/venv.ts'
import { splitAtTraining, trainedBy } from './document.ts'
import { LONG } from './long.ts'
import { copyMlflowStore } from './mlflow-store.ts'
import { freePort } from './postgres-server.ts'
import { killedWithUs } from './run/reaper.ts'
import { dataFolder } from './service.ts'
import { newDatabase } from './shared-postgres.ts'
import { PYTHON_ENVIRONMENT } from './training.ts'
import { until } from './until.ts'

if (LONG) makeVenv('mlflow') // the page begins after it
const execute = promisify(execFile)
const page = readFileSync('docs/model-lifecycle.md', 'utf8')
/** Each block of commands with what the page shows after it. */
const steps = [
  ...page.matchAll(/^```sh\n([^]*?)^```$(?:\n\n(?:(?!```sh)[^\n#]*\n+)*?```text\n([^]*?)^```$)?/gm),
].map(([, commands, shown]) => ({ commands: commands!, shown: shown ?? null }))
/** They run until they are stopped. */
const SERVERS = [/mlflow server/, /npm start/]
/** It has a test of its own. */
const FAULTS = /npm run test:faults/
/** What it goes through is tested piece by piece in test/registry, test/rollout and training/tests/test_registry.py. */
const skip = LONG ? false : 'twenty seconds of a core: npm run test:long'

t.test('the page', { skip }, async (t) => {
  const folder = dataFolder(t)
  const [mlflow, service] = [await freePort(), await freePort()]
  const here = (text: string) =>
    text
      .replaceAll('/tmp/day7-demo', folder)
      .replaceAll('127.0.0.1:5005', `127.0.0.1:${mlflow}`)
      .replaceAll('--port 5005', `--port ${mlflow}`)
      .replaceAll('127.0.0.1:5001', `127.0.0.1:${service}`)
  await copyMlflowStore(`${folder}/mlflow.db`)
  const env = {
    ...process.env,
    ...PYTHON_ENVIRONMENT,
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false', // jobs have processes of their own
    PORT: String(service),
    DATABASE_URL: await newDatabase(t),
  }
  const started: ChildProcess[] = []
  t.teardown(() => {
    for (const { pid } of started) process.kill(-pid!, 'SIGKILL')
  })
  let exported = ''
  for (const { commands, shown } of steps) {
    if (FAULTS.test(commands)) continue
    const script = `${exported}\n${here(commands)}`
    if (SERVERS.some((server) => server.test(commands))) {
      const server = spawn('bash', ['-euc', script], { env, detached: true, stdio: 'ignore' })
      started.push(killedWithUs(server, { group: true }))
      const port = commands.includes('mlflow') ? mlflow : service
      await until(`what is started by ${commands}`, async () => {
        if (server.exitCode !== null) throw new Error(`it ended with ${server.exitCode}: ${commands}`)
        return (await fetch(`http://127.0.0.1:${port}/health`).catch(() => null))?.ok
      })
      continue
    }
    if (commands.startsWith('export ')) exported = here(commands)
    // What is trained without the server is the same each time.
    const alone = commands.includes('--no-mlflow') ? splitAtTraining(commands) : null
    let before = ''
    if (alone) {
      const { folder: made, printed } = await trainedBy(
        'lifecycle',
        alone[0].replaceAll('/tmp/day7-demo/', '/tmp/'),
      )
      cpSync(made, folder, { recursive: true })
      before = printed.replaceAll('/tmp/', `${folder}/`)
    }
    const rest = alone ? `${exported}\n${here(alone[1])}` : script
    const { stdout } = await execute('bash', ['-euc', rest], { env, maxBuffer: 1e8 })
    if (shown === null) continue
    const expected = new RegExp(`${here(shown).trim().split(VARIABLE).map(escaped).join('\\S+')}$`)
    t.match((before + stdout).trimEnd(), expected, commands.trim().split('\n').at(-1)!)
  }
  t.equal(started.length, 2)
})

/** What is another one each time: run ids, hashes, times. */
const VARIABLE = /\b[0-9a-f]{32}\b|\b[0-9a-f]{12}\b|\d{4}-\d\d-\d\dT[\d:.]+Z|\d{4}-\d\d-\d\d|\b\d\d:\d\d\b/

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
