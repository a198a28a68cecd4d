/**
 * The embedded database: PGlite (PostgreSQL compiled to WebAssembly) in a thread of its own, kept in a folder, reached over a
 * Unix socket by the same client as any other server. Two processes never share a folder: a lock keeps the second one out.
 */
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import type { Server } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { Worker } from 'node:worker_threads'
import { answersAt, listenAt, socketPath } from './socket-lock.ts'

export interface EmbeddedDatabase {
  /** Path of the Unix socket that it serves. */
  readonly socket: string
  /** Its data folder: what lies there, the database's own `copy … from 'file'` can read. */
  readonly folder: string
  /** False once the thread has ended, for whatever reason. */
  alive(): boolean
  close(): Promise<void>
}

/** @throws Error if the folder is in use by another process, or cannot be opened as a database */
export async function openEmbeddedDatabase(dataFolder: string): Promise<EmbeddedDatabase> {
  const home = resolve(dataFolder, 'postgres')
  await mkdir(home, { recursive: true, mode: 0o700 })
  const lock = await lockFolder(home)
  const folder = join(home, 'data')
  const socket = socketPath(join(home, 'socket'))
  await rm(socket, { force: true })

  const thread = new Worker(new URL(`./embedded-thread${extname(import.meta.url)}`, import.meta.url), {
    // What the process was started with, such as hooks into every import, is nothing to it, and takes half a second.
    execArgv: [],
    workerData: { folder, socket },
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
    folder,
    alive: () => alive,
    async close() {
      if (alive) thread.postMessage('close')
      await ended
    },
  }
}

async function lockFolder(home: string): Promise<Server> {
  const path = join(home, 'lock')
  if (await answersAt(path)) throw new Error(`the embedded database in ${home} is in use by another process`)
  await rm(path, { force: true })
  return listenAt(path)
}
