/**
 * A bundle's folder → a Bundle that is ready for its first request: verified, compiled and warmed up, in this thread or for the most part
 * in one of its own. A service that is answering would stand still for as long as hashes, trees and golden predictions take.
 */
import { extname } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { Bundle, type BundleParts } from './bundle.ts'
import { BundleError } from './errors.ts'
import { received, type SentParts } from './sent-parts.ts'
import { verifyBundle } from './verify.ts'

/** What the thread answers with: parts, what is wrong with the bundle, or what went wrong with the thread. */
export type Verdict =
  | { readonly parts: SentParts }
  | { readonly fault: { readonly file: string; readonly problem: string } }
  | { readonly failure: { readonly code: string | undefined; readonly message: string } }

const LIMIT_MS = 120_000
const MAX_HEAP_MB = 2048
/** The event loop is given back after so long. */
const SLICE_MS = 1
/** Of the sample; then code is compiled and memory is near. */
const ROUNDS = 6

/** @throws BundleError, or the machine's own error where a file cannot be read now */
export async function loadBundle(directory: string): Promise<Bundle> {
  return warmedUp(await verifyBundle(directory))
}

/** @throws as `loadBundle`; BUNDLE_NOT_VERIFIED where the thread ends or takes too long, which another time it may not */
export async function loadBundleAside(directory: string): Promise<Bundle> {
  const thread = new Worker(new URL(`./loading-thread${extname(import.meta.url)}`, import.meta.url), {
    // What the process was started with, such as hooks into every import, is nothing to it, and takes half a second.
    execArgv: [],
    workerData: { directory },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  const verdict = await new Promise<Verdict>((resolve) => {
    const fail = (message: string): void => resolve({ failure: { code: 'BUNDLE_NOT_VERIFIED', message } })
    const timer = setTimeout(
      () => fail(`expected ${directory} to be verified within ${LIMIT_MS} ms`),
      LIMIT_MS,
    )
    thread.once('message', resolve)
    thread.once('error', (error) => fail(`the thread that verifies ${directory} failed: ${String(error)}`))
    thread.once('exit', (code) => {
      clearTimeout(timer)
      fail(`the thread that verifies ${directory} ended with code ${code}`)
    })
  })
  await thread.terminate()
  if ('fault' in verdict) throw new BundleError(directory, verdict.fault.file, verdict.fault.problem)
  if ('failure' in verdict)
    throw Object.assign(new Error(verdict.failure.message), { code: verdict.failure.code })
  return warmedUp(received(verdict.parts))
}

/** The first predictions of a model take a hundred times as long as the later ones: nobody should wait for them. */
async function warmedUp(parts: BundleParts): Promise<Bundle> {
  const bundle = new Bundle(parts)
  let sinceMs = performance.now()
  for (let round = 0; round < ROUNDS; round++)
    for (const row of parts.sample) {
      if (performance.now() - sinceMs > SLICE_MS) {
        await nextTurn()
        sinceMs = performance.now()
      }
      try {
        bundle.predict(row)
      } catch {
        // A golden prediction may be infinite.
      }
    }
  return bundle
}
