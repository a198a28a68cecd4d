/**
 * Waits for what comes by itself. However slow the machine is, only what never comes takes as long as the limit.
 */
import { setTimeout as delay } from 'node:timers/promises'

const LIMIT_MS = 300_000
/** Between two looks: little for what comes at once; many looks at a service would be a load. */
const FIRST_PAUSE_MS = 2
const LONGEST_PAUSE_MS = 100
const GROWTH = 1.3

/**
 * @param what is awaited, for whoever reads that it did not come
 * @returns the first look that is neither false, null nor undefined
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
): Promise<Exclude<T, false | null | undefined>> {
  const deadlineMs = performance.now() + LIMIT_MS
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * GROWTH, LONGEST_PAUSE_MS)) {
    const seen = await look()
    if (seen !== false && seen !== null && seen !== undefined)
      return seen as Exclude<T, false | null | undefined>
    if (performance.now() > deadlineMs) throw new Error(`expected within ${LIMIT_MS / 1000} s: ${what}`)
    await delay(pauseMs)
  }
}
