/**
 * PostgreSQL as the machine has it, with all of its programs: those that dump and restore, and that copy a server to a standby. The servers of other
 * tests come without them.
 */
import { execFile, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { freePort } from './postgres-server.ts'
import { POSTGRES_FOLDER } from './programs.ts'
import { pidKilledWithUs } from './run/reaper.ts'
import { until } from './until.ts'
import { withClient } from './shared-postgres.ts'

const execute = promisify(execFile)

export interface SystemServer {
  readonly port: number
  /** Its programs may write there. */
  readonly folder: string
  /** Of its database `postgres`. */
  readonly url: string
  /** SIGKILL, to the server and all of its processes. */
  kill(): void
  /** A copy that follows it. */
  standby(): Promise<SystemServer>
  /** Of a standby: takes writes from then on. */
  promote(): Promise<void>
}

/** Where we are root, the server needs to be somebody else. */
const isRoot = process.getuid?.() === 0

/** A program of PostgreSQL, to its end. */
export const run = (program: string, args: readonly string[]) =>
  isRoot
    ? execute('setpriv', [...asPostgres, join(POSTGRES_FOLDER, program), ...args], ENVIRONMENT)
    : execute(join(POSTGRES_FOLDER, program), args, ENVIRONMENT)

const asPostgres = ['--reuid=postgres', '--regid=postgres', '--clear-groups', '--']
const ENVIRONMENT = { cwd: '/', env: { PATH: process.env['PATH'], PGPASSWORD: 'day7' } }

/** Goes with the test. */
export async function startSystemPostgres(t: Test): Promise<SystemServer> {
  const data = newFolder(t)
  await run('initdb', ['-D', data, '-U', 'day7', '-A', 'trust', '-E', 'UTF8', '--locale=C', '-N'])
  return start(t, data)
}

function newFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'day7-system-postgres-'))
  if (isRoot) spawnSync('chown', ['postgres', folder])
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'data')
}

async function start(t: Test, data: string): Promise<SystemServer> {
  const port = await freePort()
  const settings = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    port,
    fsync: 'off',
  }
  const args = [
    '-D',
    data,
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
  const server = isRoot
    ? spawn('setpriv', [...asPostgres, join(POSTGRES_FOLDER, 'postgres'), ...args], {
        ...ENVIRONMENT,
        stdio: 'ignore',
      })
    : spawn(join(POSTGRES_FOLDER, 'postgres'), args, { ...ENVIRONMENT, stdio: 'ignore' })
  const ended = pidKilledWithUs(server.pid!)
  const gone = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  t.teardown(async () => {
    server.kill('SIGINT')
    await gone
    ended()
  })
  const url = `postgres://day7:day7@127.0.0.1:${port}/postgres`
  await until('the server takes connections', () =>
    withClient(url, (sql) => sql`select 1`).then(
      () => true,
      () => false,
    ),
  )
  return {
    port,
    folder: dirname(data),
    url,
    kill() {
      // The postmaster's children see that it is gone, and end.
      server.kill('SIGKILL')
    },
    async standby() {
      const copy = newFolder(t)
      await run('pg_basebackup', [
        '-h',
        '127.0.0.1',
        '-p',
        String(port),
        '-U',
        'day7',
        '-D',
        copy,
        '-R',
        '-c',
        'fast',
      ])
      const follower = await start(t, copy)
      // From now on nothing is committed that the standby does not have.
      await withClient(url, async (sql) => {
        await sql`alter system set synchronous_standby_names = '*'`
        await sql`select pg_reload_conf()`
      })
      return follower
    },
    async promote() {
      await withClient(url, (sql) => sql`select pg_promote()`)
    },
  }
}
