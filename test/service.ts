/**
 * The service as a process of its own, on a free port of the loopback interface.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { killedWithUs } from './run/reaper.ts'
import { until } from './until.ts'

export interface ServiceProcess {
  readonly url: string
  readonly process: ChildProcess
  /** Lines that it has logged so far. */
  readonly logged: string[]
  /** Sends the signal and waits for the end. @returns the exit code, or the signal that ended it */
  stop(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>
}

/** A test's service has no settings but those of the test. */
export const PASSED_ON = {
  PATH: process.env['PATH'],
  ...(process.env['NODE_COMPILE_CACHE'] && { NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] }),
}

/**
 * Ends with the test, if the test does not end it before.
 * @param environment settings; what is not set keeps its default, but for the port
 * @param openFiles most files that it may have open
 */
export async function startService(
  t: Test,
  environment: Readonly<Record<string, string>>,
  openFiles?: number,
): Promise<ServiceProcess> {
  return spawnService(environment, (service) => t.teardown(() => service.kill('SIGKILL')), openFiles)
}

/** Machines that run tests are busy, and a test should not fail for that. */
const NOTHING_IS_SHED = { SHED_EVENT_LOOP_DELAY_MS: '0' }

/**
 * @param started is given the process at once, before it listens
 * @param openFiles most files that it may have open; absent: as many as the tests may
 */
export async function spawnService(
  environment: Readonly<Record<string, string>>,
  started: (service: ChildProcess) => void,
  openFiles?: number,
  script = 'src/server.ts',
): Promise<ServiceProcess> {
  const command = [process.execPath, script]
  const limited = ['sh', '-c', `ulimit -n ${openFiles} && exec "$@"`, 'sh', ...command]
  const [program, ...args] = openFiles === undefined ? command : limited
  const service = spawn(program!, args, {
    env: { ...PASSED_ON, PORT: '0', ...NOTHING_IS_SHED, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  killedWithUs(service)
  started(service)
  const exited = once(service, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
  const logged: string[] = []
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(service.stdout).on('line', (line) => {
      logged.push(line)
      const listening = /Server listening at (http:[^"]+)/.exec(line)
      if (listening) resolve(listening[1]!)
    })
    service.once('exit', (code) =>
      reject(new Error(`the service ended with ${code} before it listened:\n${logged.join('\n')}`)),
    )
  })
  return {
    url,
    process: service,
    logged,
    async stop(signal = 'SIGTERM') {
      service.kill(signal)
      const [code, by] = await exited
      return code ?? by!
    },
  }
}

/** Waits until it is ready: then its database is there. */
export const untilReady = (url: string): Promise<unknown> =>
  until(`${url} is ready`, async () => (await fetch(`${url}/health/ready`)).status === 200)

/** A folder for DATA_DIR. tap's own are too deep for the path of a Unix socket. */
export function dataFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'day7-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
