/**
 * A real Redis on a free port of the loopback interface, that keeps nothing on disk. Can be stopped and started, and frozen.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { freePort } from './postgres-server.ts'
import { missing } from './programs.ts'
import { killedWithUs } from './run/reaper.ts'

export interface RedisServer {
  readonly url: string
  start(): Promise<void>
  /** SIGKILL: all that it had is gone. */
  stop(): Promise<void>
  /** It takes connections and answers nothing, until it is thawed. */
  freeze(): void
  thaw(): void
  remove(): Promise<void>
}

/** A reason to skip a test, or false. */
export const NO_REDIS = missing('redis')

export async function createRedisServer(...options: string[]): Promise<RedisServer> {
  const home = await mkdtemp(join(tmpdir(), 'day7-redis-'))
  const port = await freePort()
  let server: ChildProcess
  const start = async (): Promise<void> => {
    const args = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      home,
      ...options,
    ]
    const started = killedWithUs(spawn('redis-server', args, { stdio: ['ignore', 'pipe', 'inherit'] }))
    server = started
    await new Promise<void>((resolve, reject) => {
      const lines = createInterface(started.stdout)
      lines.on('line', (line) => line.includes('Ready to accept connections') && resolve())
      started.once('exit', (code) => reject(new Error(`redis-server ended with ${code}`)))
    })
  }
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null || server.signalCode !== null) return
    server.kill('SIGKILL')
    await once(server, 'exit')
  }
  await start()
  return {
    url: `redis://127.0.0.1:${port}`,
    start,
    stop,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    async remove() {
      await stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}
