/**
 * The embedded database: PGlite (PostgreSQL compiled to WebAssembly) in a thread of its own, kept in a folder, reached over a
 * Unix socket by the same client as any other server.
 *
 * The socket is also the lock: a folder whose socket answers belongs to a living process, and two must never share one.
 */
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { connect } from 'node:net'
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
  const socket = shorter(join(home, 'socket'))
  if (await answers(socket)) throw new Error(`the embedded database in ${home} is in use by another process`)
  await rm(socket, { force: true })

  const thread = new Worker(new URL(`./embedded-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: { folder: join(home, 'data'), socket },
  })
  let alive = true
  thread.once('exit', () => (alive = false))
  await once(thread, 'message')
  thread.on('error', () => (alive = false))
  return {
    socket,
    alive: () => alive,
    async close() {
      if (!alive) return
      const exited = once(thread, 'exit')
      thread.postMessage('close')
      await exited
    },
  }
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
