/**
 * A bundle's folder → a Bundle, verified in this thread or in one of its own: a service that is answering would stand still for as
 * long as hashes, trees and golden predictions take.
 */
import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { Bundle, type BundleParts } from './bundle.ts'
import { BundleError } from './errors.ts'
import { verifyBundle } from './verify.ts'

/** What the thread answers with. */
export type Verdict =
  { readonly parts: BundleParts } | { readonly fault: { readonly file: string; readonly problem: string } }

/** A model that takes longer, or more memory, is not one to serve. */
const LIMIT_MS = 120_000
const MAX_HEAP_MB = 2048

/** @throws BundleError */
export async function loadBundle(directory: string): Promise<Bundle> {
  return new Bundle(await verifyBundle(directory))
}

/** @throws BundleError, also where the thread ends or takes too long */
export async function loadBundleAside(directory: string): Promise<Bundle> {
  const thread = new Worker(new URL(`./loading-thread${extname(import.meta.url)}`, import.meta.url), {
    workerData: { directory },
    resourceLimits: { maxOldGenerationSizeMb: MAX_HEAP_MB },
  })
  const verdict = await new Promise<Verdict>((resolve) => {
    const fault = (problem: string): void => resolve({ fault: { file: 'the folder', problem } })
    const timer = setTimeout(() => fault(`expected to be verified within ${LIMIT_MS} ms`), LIMIT_MS)
    thread.once('message', resolve)
    thread.once('error', (error) => fault(error instanceof Error ? error.message : String(error)))
    thread.once('exit', (code) => {
      clearTimeout(timer)
      fault(`its thread ended with code ${code} before it was verified`)
    })
  })
  await thread.terminate()
  if ('fault' in verdict) throw new BundleError(directory, verdict.fault.file, verdict.fault.problem)
  return new Bundle(verdict.parts)
}
