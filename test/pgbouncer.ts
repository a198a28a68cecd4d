/**
 * PgBouncer before a PostgreSQL server, as most managed databases have it: each transaction gets another connection of the server.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { freePort } from './postgres-server.ts'
import { until } from './until.ts'

export interface Pooler {
  /** Of the same database. */
  readonly url: string
  /** It takes connections and answers nothing, until it is thawed. */
  freeze(): void
  thaw(): void
  kill(): Promise<void>
}

/**
 * Ends with the test.
 * @param url of a database
 */
export async function startPooler(t: Test, url: string): Promise<Pooler> {
  const pooler = await spawnPooler(url, await freePort())
  t.teardown(() => pooler.kill())
  return pooler
}

/** @param listenPort that it had before, where it was killed */
export async function spawnPooler(url: string, listenPort: number): Promise<Pooler> {
  const { hostname, port, username, password, pathname } = new URL(url)
  const folder = mkdtempSync(join(tmpdir(), 'day7-pgbouncer-'))
  chmodSync(folder, 0o755)
  const database = pathname.slice(1)
  const settings = {
    listen_addr: '127.0.0.1',
    listen_port: listenPort,
    unix_socket_dir: '',
    auth_type: 'any',
    pool_mode: 'transaction',
    default_pool_size: 3,
    min_pool_size: 3,
    // Connections take turns, as they do where there are many clients.
    server_round_robin: 1,
  }
  const lines = [
    '[databases]',
    `${database} = host=${hostname} port=${port} user=${username} password=${password} dbname=${database}`,
    '[pgbouncer]',
    ...Object.entries(settings).map(([name, value]) => `${name} = ${value}`),
  ]
  const file = join(folder, 'pgbouncer.ini')
  writeFileSync(file, `${lines.join('\n')}\n`)
  // It refuses to run as root.
  const isRoot = process.getuid?.() === 0
  const pooler = spawn('pgbouncer', [file], { stdio: 'ignore', ...(isRoot && { uid: 65534, gid: 65534 }) })
  const ended = once(pooler, 'exit')
  await until('pgbouncer listens', async () => {
    const probe = connect(listenPort, '127.0.0.1')
    return once(probe, 'connect')
      .then(
        () => true,
        () => false,
      )
      .finally(() => probe.destroy())
  })
  return {
    url: `postgres://${username}:${password}@127.0.0.1:${listenPort}/${database}`,
    freeze: () => void pooler.kill('SIGSTOP'),
    thaw: () => void pooler.kill('SIGCONT'),
    async kill() {
      pooler.kill('SIGCONT')
      pooler.kill('SIGKILL')
      await ended
    },
  }
}
