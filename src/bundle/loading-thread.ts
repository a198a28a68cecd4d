/**
 * The thread in which a bundle is verified: a folder → one message, its parts or what is wrong with it.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { BundleError } from './errors.ts'
import type { Verdict } from './loading.ts'
import { verifyBundle } from './verify.ts'

const { directory } = workerData as { directory: string }
let verdict: Verdict
try {
  verdict = { parts: await verifyBundle(directory) }
} catch (error) {
  if (!(error instanceof BundleError)) throw error
  verdict = { fault: { file: error.file, problem: error.problem } }
}
parentPort!.postMessage(verdict)
