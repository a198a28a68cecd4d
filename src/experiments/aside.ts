/**
 * A comparison in a thread of its own: a thousand resamples of a hundred thousand users take seconds, in which nobody would be answered.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { Arms, Comparison } from './compare.ts'

const LIMIT_MS = 120_000

/** The arrays are handed over: the caller has them no more. @throws COMPARISON_FAILED if the thread ends or takes too long */
export async function compareAside(arms: Arms): Promise<Comparison> {
  const thread = new Worker(new URL(`./comparing-thread${extname(import.meta.url)}`, import.meta.url), {
    // What the process was started with, such as hooks into every import, is nothing to it, and takes half a second.
    execArgv: [],
    workerData: arms,
    transferList: buffersOf(arms),
  })
  const { promise, resolve, reject } = Promise.withResolvers<Comparison>()
  const fail = (message: string, cause?: unknown): void =>
    reject(Object.assign(new Error(message, { cause }), { code: 'COMPARISON_FAILED' }))
  const timer = setTimeout(() => fail(`expected the comparison within ${LIMIT_MS} ms`), LIMIT_MS)
  thread.once('message', resolve)
  thread.once('error', (cause) => fail('the comparison failed', cause))
  thread.once('exit', (code) => fail(`the thread of the comparison ended with code ${code}`))
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    await thread.terminate()
  }
}

function buffersOf({ pairs, champion, challenger }: Arms): ArrayBuffer[] {
  const arrays = [pairs, champion, challenger].flatMap((arm) =>
    Object.values(arm).filter((value) => ArrayBuffer.isView(value)),
  )
  return [...new Set(arrays.map(({ buffer }) => buffer as ArrayBuffer))]
}
