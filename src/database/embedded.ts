/**
 * The embedded database: a PostgreSQL server of the service's own, from the binaries of an npm package. It listens on a Unix socket in
 * DATA_DIR and nowhere else, and ends with the service, however that ends. Two services never share a folder: a lock keeps the second
 * one out.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdir, readFile, readlink, realpath, rename, rm, stat } from 'node:fs/promises'
import type { Server } from 'node:net'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { binaries } from './embedded-binaries.ts'
import { type ServerUser, serverUser } from './embedded-user.ts'
import { answersAt, listenAt, socketPath } from './socket-lock.ts'

export interface EmbeddedDatabase {
  /** Path of the Unix socket that it serves. */
  readonly socket: string
  /** False once the server has ended, for whatever reason. */
  alive(): boolean
  close(): Promise<void>
}

/** Data of another one cannot be read. */
const MAJOR = '18'
/** A server for one service on a machine that does other things, too. What it commits is on the disk. */
const SETTINGS = {
  listen_addresses: '',
  // From the data folder, so that the length of its path does not matter.
  unix_socket_directories: '../socket',
  max_connections: '20',
  shared_buffers: '32MB',
  huge_pages: 'off',
  // Containers have little room for the other kind.
  dynamic_shared_memory_type: 'mmap',
  max_parallel_workers: '0',
  jit: 'off',
  io_method: 'sync',
  wal_level: 'minimal',
  max_wal_senders: '0',
  max_logical_replication_workers: '0',
  max_wal_size: '256MB',
  lc_messages: 'C',
  log_destination: 'stderr',
}
/** Ends the server when the service has: the pipe at 3 has no other end then. */
const SUPERVISE = `exec 3<&0
"$@" </dev/null & server=$!
{ while read -r _; do :; done; kill -INT $server; } <&3 & watcher=$!
wait $server; code=$?
kill $watcher 2>/dev/null
exit $code`
const READY = 'database system is ready to accept connections'
/** Of what the server says. */
const KEPT_LOG_CHARACTERS = 4000

const run = promisify(execFile)

/** @throws Error if the folder is in use by another process, or cannot be opened as a database */
export async function openEmbeddedDatabase(dataFolder: string): Promise<EmbeddedDatabase> {
  const { initdb, pg_ctl, postgres } = await binaries()
  const home = resolve(dataFolder, 'postgres')
  await mkdir(home, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(home)
  try {
    await expectNoPglite(home)
    const data = join(home, MAJOR)
    const user = await serverUser(home, data, initdb)
    await makeFolder(join(home, 'socket'), user)
    if (!(await isThere(data))) await initialise(initdb, home, data, user)
    await endLeftover(pg_ctl, data, user)
    const server = await start(postgres, data, user)
    server.once('exit', () => lock.close())
    return {
      socket: socketPath(join(home, 'socket', '.s.PGSQL.5432')),
      alive: () => isRunning(server),
      async close() {
        const ended = isRunning(server) ? once(server, 'exit') : null
        server.stdin!.end()
        await ended
      },
    }
  } catch (error) {
    lock.close()
    throw error
  }
}

async function lockFolder(home: string): Promise<Server> {
  const path = join(home, 'lock')
  if (await answersAt(path)) throw new Error(`the embedded database in ${home} is in use by another process`)
  await rm(path, { force: true })
  return listenAt(path)
}

/** Version 0.1 kept its data in another form. */
async function expectNoPglite(home: string): Promise<void> {
  const old = join(home, 'data')
  if (await isThere(old))
    throw new Error(
      `${old} is the embedded database of version 0.1, which only that version can read: move it away to start with an empty log; ` +
        'docs/operations.md says how its predictions can be had',
    )
}

async function makeFolder(path: string, { owner }: ServerUser): Promise<void> {
  await mkdir(path, { recursive: true, mode: 0o700 })
  if (owner) await chown(path, owner.uid, owner.gid)
}

/** Under another name until it is whole: a start that was killed leaves nothing that looks like a database. */
async function initialise(initdb: string, home: string, data: string, user: ServerUser): Promise<void> {
  const making = join(home, 'making')
  await rm(making, { recursive: true, force: true })
  await makeFolder(making, user)
  const options = ['--username=postgres', '--auth=trust', '--encoding=UTF8', '--locale=C']
  // Twice as fast as a call for each of a thousand files.
  if (process.platform === 'linux') options.push('--sync-method=syncfs')
  const { command, args, ids } = user.run([initdb, `--pgdata=${making}`, ...options])
  try {
    await run(command, args, { ...ids, cwd: '/', env: {} })
  } catch (cause) {
    const said = (cause as { stderr?: string }).stderr?.trim()
    throw new Error(`the embedded database cannot be made in ${home}: ${said || String(cause)}`, { cause })
  }
  await rename(making, data)
}

/** A server that outlived its service is stopped; what one that is gone left behind is in the next one's way. */
async function endLeftover(pgCtl: string, data: string, user: ServerUser): Promise<void> {
  const file = join(data, 'postmaster.pid')
  const pid = Number.parseInt(await readFile(file, 'utf8').catch(() => ''), 10)
  if (!Number.isInteger(pid)) return
  if (await isServerOf(pid, data)) {
    const stop = (mode: string) => {
      const { command, args, ids } = user.run([
        pgCtl,
        'stop',
        '--pgdata',
        data,
        `--mode=${mode}`,
        '--timeout=20',
      ])
      return run(command, args, { ...ids, cwd: '/' })
    }
    // One that hangs is as one that was killed: what it has committed is kept.
    await stop('fast').catch(() => stop('immediate'))
  }
  // Containers give the same number to another process.
  else await rm(file, { force: true })
}

async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (process.platform === 'linux')
    return (await readlink(`/proc/${pid}/cwd`).catch(() => null)) === (await realpath(data))
  const said = await run('ps', ['-o', 'command=', '-p', String(pid)]).catch(() => ({ stdout: '' }))
  return said.stdout.includes(data)
}

/** Resolves when it takes connections. */
async function start(postgres: string, data: string, user: ServerUser): Promise<ChildProcess> {
  const settings = Object.entries(SETTINGS).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const supervised = ['/bin/sh', '-c', SUPERVISE, 'day7-postgres', postgres, '-D', data, ...settings]
  const { command, args, ids } = user.run(supervised)
  const server = spawn(command, args, {
    ...ids,
    cwd: '/',
    // A terminal's Ctrl-C is for the service, which needs the database until it has closed.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
    env: { TZ: 'UTC', LC_ALL: 'C' },
  })
  server.stdin!.on('error', () => {}) // it has ended, which counts alone
  let log = ''
  await new Promise<void>((resolve, reject) => {
    server.stderr!.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-KEPT_LOG_CHARACTERS)
      if (log.includes(READY)) resolve()
    })
    server.once('error', reject)
    server.once('close', (code) =>
      reject(new Error(`the embedded database in ${data} ended with code ${code}: ${log.trim()}`)),
    )
  })
  return server
}

const isRunning = ({ exitCode, signalCode }: ChildProcess): boolean =>
  exitCode === null && signalCode === null

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
