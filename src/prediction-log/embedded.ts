/**
 * The embedded database: PGlite (PostgreSQL compiled to WebAssembly) in a thread of its own, kept in a folder, reached over a
 * Unix socket by the same client as any other server. Two processes never share a folder: a lock keeps the second one out.
 */
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { extname, join, relative, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'

export interface EmbeddedDatabase {
  /** Path of the Unix socket that it serves. */
  readonly socket: string
  /** False once the thread has ended, for whatever reason. */
  alive(): boolean
  close(): Promise<void>
}

/** sun_path holds 108 bytes on Linux and 104 on macOS, the closing NUL included. */
const MAX_SOCKET_PATH_BYTES = 103

/** @throws Error if the folder is in use by another process, or cannot be opened as a database */
export async function openEmbeddedDatabase(dataFolder: string): Promise<EmbeddedDatabase> {
  const home = resolve(dataFolder, 'postgres')
  await mkdir(home, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(home)
  const socket = shorter(join(home, 'socket'))
  await rm(socket, { force: true })

  const thread = new Worker(new URL(`./embedded-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: { folder: join(home, 'data'), socket },
  })
  let alive = true
  const ended = new Promise<void>((resolve) => {
    thread.once('exit', () => {
      alive = false
      lock.close()
      resolve()
    })
  })
  try {
    await once(thread, 'message')
  } catch (error) {
    await ended
    throw error
  }
  thread.on('error', () => {}) // the end of the thread is what counts, and `alive` tells it
  return {
    socket,
    alive: () => alive,
    async close() {
      if (alive) thread.postMessage('close')
      await ended
    },
  }
}

/**
 * The lock is a socket that its owner listens on: it ends with the process, however that ends. A file of it that nobody
 * answers at was left behind.
 */
async function lockFolder(home: string): Promise<Server> {
  const path = shorter(join(home, 'lock'))
  if (await answers(path)) throw new Error(`the embedded database in ${home} is in use by another process`)
  await rm(path, { force: true })
  const lock = createServer((connection) => connection.destroy()).listen(path)
  await once(lock, 'listening')
  return lock.unref()
}

function shorter(path: string): string {
  const fromHere = relative(process.cwd(), path)
  const best = fromHere.length < path.length ? fromHere : path
  if (Buffer.byteLength(best) > MAX_SOCKET_PATH_BYTES)
    throw new Error(
      `the path of the data folder is too long for a Unix socket: expected ${path} to have at most ${MAX_SOCKET_PATH_BYTES} bytes`,
    )
  return best
}

async function answers(path: string): Promise<boolean> {
  const probe = connect({ path })
  try {
    await once(probe, 'connect')
    return true
  } catch {
    return false // ENOENT: never used; ECONNREFUSED: left by a process that was killed
  } finally {
    probe.destroy()
  }
}
