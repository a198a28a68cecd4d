/**
 * A time → a UUIDv7.
 */
import { randomFillSync } from 'node:crypto'
import { v7 as uuidv7 } from 'uuid'

const UUID_BYTES = 16
const RANDOM_POOL_BYTES = 64 * 1024

export function predictionIds(): (time: Date) => string {
  const nextRandomBytes = randomBytesOf(UUID_BYTES)
  return (time) => uuidv7({ msecs: time.getTime(), rng: nextRandomBytes })
}

/** Asks the operating system for random bytes a thousand times less often: a call costs more than a prediction. */
function randomBytesOf(size: number): () => Uint8Array {
  const pool = new Uint8Array(RANDOM_POOL_BYTES)
  let used = pool.length
  return () => {
    if (used + size > pool.length) {
      randomFillSync(pool)
      used = 0
    }
    return pool.subarray(used, (used += size))
  }
}
