/**
 * Counts in fixed windows, in memory. A window begins with its first request. Of too many callers those are forgotten that have not
 * asked for longest.
 */
import { LRUCache } from 'lru-cache'
import type { Count, RequestCounts } from './counts.ts'

/** Some 200 bytes each. */
const MAX_CALLERS = 50_000

export class MemoryCounts implements RequestCounts {
  readonly #windows = new LRUCache<string, { current: number; endsMs: number }>({ max: MAX_CALLERS })
  readonly #nowMs: () => number

  /** @param nowMs a clock that never goes back */
  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs
  }

  add(key: string, windowMs: number): Count {
    const nowMs = this.#nowMs()
    let window = this.#windows.get(key)
    if (!window || window.endsMs <= nowMs) {
      window = { current: 0, endsMs: nowMs + windowMs }
      this.#windows.set(key, window)
    }
    window.current++
    return { current: window.current, ttl: Math.round(window.endsMs - nowMs) }
  }

  /** Without counting. */
  peek(key: string): Count {
    const nowMs = this.#nowMs()
    const window = this.#windows.get(key)
    if (!window || window.endsMs <= nowMs) return { current: 0, ttl: 0 }
    return { current: window.current, ttl: Math.round(window.endsMs - nowMs) }
  }

  sharedState() {
    return 'off' as const
  }

  close(): void {}
}
