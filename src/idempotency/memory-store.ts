/**
 * First answers in the memory of this process, within bounds: what was not asked for longest goes first. Other processes know
 * nothing of them.
 */
import { LRUCache } from 'lru-cache'
import type { AnswerStore } from './store.ts'

/** Of a name, and of the map and the lists that it stands in. */
const ENTRY_BYTES = 256

export function memoryStore({ ttlS, maxBytes }: { ttlS: number; maxBytes: number }): AnswerStore {
  const values = new LRUCache<string, Buffer>({
    maxSize: maxBytes,
    sizeCalculation: (value) => value.length + ENTRY_BYTES,
    ttl: ttlS * 1000,
  })
  return {
    async keep(name, value) {
      const first = values.get(name)
      if (first) return first
      values.set(name, value)
      if (!values.has(name))
        throw new Error(`expected an answer of at most ${maxBytes} bytes, got ${value.length}`)
      return null
    },
    find: async (name) => values.get(name) ?? null,
  }
}
