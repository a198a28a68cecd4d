/**
 * The thread in which a bundle is verified: a folder → one message, its parts or what is wrong.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { BundleError } from './errors.ts'
import type { Verdict } from './loading.ts'
import { sent } from './sent-parts.ts'
import { verifyBundle } from './verify.ts'

const { directory } = workerData as { directory: string }
const answer = (verdict: Verdict, handedOver: ArrayBuffer[] = []): void =>
  parentPort!.postMessage(verdict, handedOver)
try {
  const { parts, handedOver } = sent(await verifyBundle(directory))
  answer({ parts }, handedOver)
} catch (error) {
  const { code, message } = error as NodeJS.ErrnoException
  if (error instanceof BundleError) answer({ fault: { file: error.file, problem: error.problem } })
  else answer({ failure: { code, message } })
}
