/**
 * A worker's end of the line to the primary process. A primary that is gone or busy keeps nobody waiting.
 */
import cluster, { type Worker } from 'node:cluster'
import { setTimeout as delay } from 'node:timers/promises'
import type { Figures, FromWorker, Question, SharedValues, ToWorker } from './messages.ts'

export interface WorkerLink {
  /** It answers requests from now on. */
  sayReady(): void
  /** @param leave is called once, when the primary says so, or is gone */
  onLeave(leave: (othersStay: boolean) => void): void
  /** @param own the figures of this process, whenever they are asked for */
  tellFigures(own: () => Promise<Figures>): void
  /** @returns the figures of all processes; of this one alone if the primary does not answer in time */
  allFigures(): Promise<readonly Figures[]>
  /** Before the end: what this process has counted. */
  sayLastFigures(): Promise<void>
  /** Hears and says nothing any more: an open line would keep the process. */
  hangUp(): void
  /** Throws if the primary is gone, and does not answer if it is busy. */
  readonly shared: SharedValues
}

/** The primary waits for the other workers, for a second at most. */
const FIGURES_WITHIN_MS = 2_000
/** Nobody waits for so long; but what is never answered must be forgotten. */
const FORGOTTEN_AFTER_MS = 10_000

/** @returns null in a process that is no worker */
export function linkToPrimary(): WorkerLink | null {
  return cluster.worker ? linkOf(cluster.worker) : null
}

function linkOf(worker: Worker): WorkerLink {
  const asked = new Map<number, PromiseWithResolvers<unknown>>()
  const left = Promise.withResolvers<boolean>()
  let figures: () => Promise<Figures> = async () => []
  let ids = 0
  let canLeave = false

  worker.on('error', () => {})
  worker.on('message', (message: ToWorker) => {
    switch (message.day7) {
      case 'stop':
      case 'retire':
        return left.resolve(message.day7 === 'retire')
      case 'tell figures':
        return void tell(message.id)
      case 'answer':
        return asked.get(message.id)?.resolve(message.answer)
      case 'no answer':
        return asked.get(message.id)?.reject(new Error(message.reason))
    }
  })
  worker.on('disconnect', () => {
    worker.exitedAfterDisconnect = canLeave // otherwise Node ends the process here and now
    left.resolve(false)
  })

  /** Resolves when it is on its way; a primary that is gone hears nothing. */
  function say(message: FromWorker): Promise<void> {
    return new Promise((resolve) => {
      if (worker.isConnected()) worker.send(message, () => resolve())
      else resolve()
    })
  }

  /** Figures that cannot be told now are those of the time before. */
  async function tell(id: number): Promise<void> {
    const own = await figures().catch(() => null)
    if (own) await say({ day7: 'figures', id, figures: own })
  }

  async function ask<Answer>(question: Question, withinMs: number): Promise<Answer> {
    const id = ids++
    const answer = Promise.withResolvers<unknown>()
    const stop = new AbortController()
    const late = delay(withinMs, undefined, { signal: stop.signal }).then(() => {
      throw new Error('the primary process does not answer')
    })
    late.catch(() => {}) // it is not awaited when the answer comes first
    asked.set(id, answer)
    void say({ day7: 'ask', id, question })
    try {
      return (await Promise.race([answer.promise, late])) as Answer
    } finally {
      stop.abort()
      asked.delete(id)
    }
  }

  async function sharedValue(name: string, value: string | null): Promise<Buffer | null> {
    const kept = await ask<string | null>({ of: 'shared value', name, value }, FORGOTTEN_AFTER_MS)
    return kept === null ? null : Buffer.from(kept, 'base64')
  }

  return {
    sayReady: () => void say({ day7: 'ready' }),
    onLeave(leave) {
      canLeave = true
      void left.promise.then(leave)
    },
    tellFigures: (own) => void (figures = own),
    allFigures: () =>
      ask<readonly Figures[]>({ of: 'all figures' }, FIGURES_WITHIN_MS).catch(async () => [await figures()]),
    sayLastFigures: async () => say({ day7: 'last figures', figures: await figures() }),
    hangUp() {
      canLeave = true
      if (worker.isConnected()) worker.process.disconnect()
    },
    shared: {
      keep: (name, value) => sharedValue(name, value.toString('base64')),
      find: (name) => sharedValue(name, null),
    },
  }
}
