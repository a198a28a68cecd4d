/**
 * A real Redis on a free port of the loopback interface, that keeps nothing on disk. Can be killed, started again, and frozen.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import { freePort } from './postgres-server.ts'

export interface RedisServer {
  readonly url: string
  readonly port: number
  start(): Promise<void>
  kill(): Promise<void>
  /** It keeps its connections and answers nothing, until it is thawed. */
  freeze(): void
  thaw(): void
}

export const withoutRedis =
  spawnSync('redis-server', ['--version']).status !== 0 && 'redis-server is not installed'

/** Started; ends with the test. */
export async function createRedisServer(t: Test, ...options: string[]): Promise<RedisServer> {
  const port = await freePort()
  let server: ChildProcess
  const self: RedisServer = {
    url: `redis://127.0.0.1:${port}`,
    port,
    async start() {
      const fixed = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
      server = spawn('redis-server', [...fixed, '--dir', tmpdir(), ...options], { stdio: 'ignore' })
      while (!(await isListening(port))) await delay(20)
    },
    async kill() {
      if (server.exitCode !== null || server.signalCode !== null) return
      server.kill('SIGKILL')
      await once(server, 'exit')
    },
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
  }
  await self.start()
  t.teardown(() => self.kill())
  return self
}

const isListening = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1')
    probe.once('connect', () => (probe.destroy(), resolve(true)))
    probe.once('error', () => resolve(false))
  })
