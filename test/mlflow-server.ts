/**
 * A real MLflow server on a free port of the loopback interface, with a folder of its own for its SQLite database and its artifacts,
 * which it passes on. Can be stopped and started, killed and frozen.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeVenv, PYTHON } from '../training/venv.ts'
import { pythonWithMlflow2 } from './mlflow-2/venv.ts'
import { copyMlflowStore } from './mlflow-store.ts'
import { freePort } from './postgres-server.ts'
import { killedWithUs } from './run/reaper.ts'
import { PYTHON_ENVIRONMENT } from './training.ts'
import { until } from './until.ts'

export type Generation = 2 | 3

export interface MlflowServer {
  readonly url: string
  start(): Promise<void>
  stop(): Promise<void>
  /** SIGKILL: nothing is written, nobody is told. `start` recovers it. */
  kill(): Promise<void>
  /** It takes connections and answers nothing, until it is thawed. */
  freeze(): void
  thaw(): void
  remove(): Promise<void>
}

/** Then it is killed. */
const STOPS_WITHIN_MS = 10_000

/** What `mlflow server` starts, and the settings it passes on: without its own two processes it takes half the time. */
const COMMANDS = {
  2: (port: number) => ({
    python: pythonWithMlflow2(),
    args: [
      ...['-m', 'gunicorn', '--workers', '1', '--threads', '4', '--no-control-socket'],
      ...['--bind', `127.0.0.1:${port}`, 'mlflow.server:app'],
    ],
  }),
  3: (port: number) => ({
    python: madePython(),
    args: ['-m', 'uvicorn', '--host', '127.0.0.1', '--port', String(port), 'mlflow.server.fastapi_app:app'],
  }),
}

export async function createMlflowServer(generation: Generation): Promise<MlflowServer> {
  const home = await mkdtemp(join(tmpdir(), `day7-mlflow-${generation}-`))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { python, args } = COMMANDS[generation](port)
  let server: ChildProcess | null = null

  const signal = (name: NodeJS.Signals): void => {
    if (server?.exitCode !== null || server.signalCode !== null) return
    process.kill(-server.pid!, name) // the whole group: it has workers
  }
  const end = async (name: NodeJS.Signals): Promise<void> => {
    if (!server || server.exitCode !== null || server.signalCode !== null) return
    const exited = once(server, 'exit')
    signal('SIGCONT')
    signal(name)
    const timer = setTimeout(() => signal('SIGKILL'), STOPS_WITHIN_MS)
    await exited
    clearTimeout(timer)
  }
  const start = async (): Promise<void> => {
    const log = openSync(join(home, 'log'), 'a')
    const started = spawn(python, args, {
      cwd: home,
      env: environment(home),
      detached: true, // a process group of its own
      stdio: ['ignore', log, log],
    })
    closeSync(log)
    server = killedWithUs(started, { group: true })
    await until(`MLflow ${generation} answers`, async () => {
      if (started.exitCode === null) return answers(url)
      throw new Error(`MLflow ${generation} ended: ${await readFile(join(home, 'log'), 'utf8')}`)
    })
  }

  if (generation === 3) await copyMlflowStore(join(home, 'mlflow.db'))
  await start()
  return {
    url,
    start,
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async remove() {
      await end('SIGKILL')
      await rm(home, { recursive: true, force: true })
    },
  }
}

/** The first request makes the tables. */
async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`)).ok
  } catch {
    return false
  }
}

function environment(home: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !/^_?MLFLOW_/.test(name))
  return {
    ...Object.fromEntries(others),
    ...PYTHON_ENVIRONMENT,
    MLFLOW_DISABLE_TELEMETRY: 'true',
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION: 'false',
    _MLFLOW_SERVER_FILE_STORE: `sqlite:///${join(home, 'mlflow.db')}`,
    _MLFLOW_SERVER_ARTIFACT_ROOT: 'mlflow-artifacts:/',
    _MLFLOW_SERVER_ARTIFACT_DESTINATION: join(home, 'artifacts'),
    _MLFLOW_SERVER_SERVE_ARTIFACTS: 'true',
  }
}

function madePython(): string {
  makeVenv('mlflow')
  return PYTHON
}
