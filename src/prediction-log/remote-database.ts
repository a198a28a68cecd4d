/**
 * The database, reached through a thread of its own: what its client does costs requests nothing, and cannot end the service.
 * (postgres.js writes to a connection that has just been lost, which is an error outside of any promise.) A thread that ended fails
 * the calls that it had; the next call starts another.
 */
import { once } from 'node:events'
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { DatabaseLocation } from '../database/index.ts'
import type { Database } from './database.ts'

type Method =
  | 'ship'
  | 'probe'
  | 'maintain'
  | 'settle'
  | 'recordModelEvents'
  | 'statistics'
  | 'recent'
  | 'modelEvents'
  | 'accuracy'
  | 'experiment'
  | 'trainingDays'
  | 'trainingRows'
  | 'cohorts'
  | 'recordSpend'
  | 'recordOutcomes'
  | 'eraseUsers'
  | 'adoptSplit'
  | 'latestSplit'
  | 'keepSplit'
  | 'listKeys'
  | 'close'

export interface Call {
  readonly id: number
  readonly method: Method
  readonly args: readonly unknown[]
}

export interface Reply {
  readonly id: number
  readonly result?: unknown
  readonly error?: {
    readonly name: string
    readonly message: string
    readonly stack: string | undefined
    readonly code: string | undefined
  }
}

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
}

export class RemoteDatabase {
  readonly #location: DatabaseLocation
  readonly #pending = new Map<number, Pending>()
  #thread: Worker | undefined
  #lastId = 0

  constructor(location: DatabaseLocation) {
    this.#location = location
  }

  /** @throws what the method throws, with its `code`; DATABASE_THREAD_ENDED if the thread ends first */
  call<M extends Method>(method: M, ...args: Parameters<Database[M]>): ReturnType<Database[M]> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      // It throws where there are no file descriptors for a thread.
      this.#thread ??= this.#start()
      this.#pending.set(id, { resolve, reject })
      this.#thread.postMessage({ id, method, args } satisfies Call)
    }) as ReturnType<Database[M]>
  }

  /** A thread that does not end in time is ended. */
  async close(timeoutMs: number): Promise<void> {
    const thread = this.#thread
    if (!thread) return
    const ended = once(thread, 'exit')
    const timer = setTimeout(() => void thread.terminate(), timeoutMs)
    await this.call('close', timeoutMs / 2).catch(() => {})
    await ended
    clearTimeout(timer)
  }

  #start(): Worker {
    const thread = new Worker(new URL(`./database-thread${extname(import.meta.url)}`, import.meta.url), {
      // What the process was started with, such as hooks into every import, is nothing to it, and takes half a second.
      execArgv: [],
      workerData: { location: this.#location },
    })
    let cause: unknown
    thread.on('message', ({ id, result, error }: Reply) => {
      const pending = this.#pending.get(id)
      this.#pending.delete(id)
      if (error) pending?.reject(Object.assign(new Error(error.message), error))
      else pending?.resolve(result)
    })
    thread.on('error', (error: unknown) => (cause = error))
    thread.once('exit', () => {
      this.#thread = undefined
      const failed = [...this.#pending.values()]
      this.#pending.clear()
      for (const { reject } of failed)
        reject(
          Object.assign(new Error('the thread of the database client ended', { cause }), {
            code: 'DATABASE_THREAD_ENDED',
          }),
        )
    })
    return thread
  }
}
