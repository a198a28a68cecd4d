/**
 * Waits for what comes by itself, for a while.
 */
import { setTimeout as delay } from 'node:timers/promises'

const WAIT_MS = 20_000

export async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`expected within ${WAIT_MS} ms: ${isSo.toString()}`)
    await delay(10)
  }
}
