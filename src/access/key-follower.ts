/**
 * A store → the keys that are in force here: it is read again and again, so that a key that was made or revoked is known within one
 * poll. What cannot be read changes nothing: the last keys that were read stay in force, and what is wrong is said once.
 *
 * A store that may be away is remembered in a file, so that a start without it knows the keys. A key that was revoked meanwhile is
 * taken until the store can be read.
 */
import { mkdir, readFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { KeyRecord } from './keys.ts'
import { KeyRing } from './key-ring.ts'
import type { KeyStore } from './key-store.ts'
import { replaceFile } from './key-file.ts'
import { readKeys, writeKeys } from './key-text.ts'

export interface KeyFollowerOptions {
  readonly store: Pick<KeyStore, 'list'>
  /** For people: where the keys are. */
  readonly place: string
  /** Where they are remembered; null: the store is never away. */
  readonly memory: string | null
  readonly pollMs: number
  readonly logger: AccessLogger
}

export interface AccessLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

/**
 * - `unknown`: the store could not be read yet, and there is no memory of it.
 * - `remembered`: it could not be read yet; the keys are those of the last process.
 * - `current`: the last poll has read it.
 * - `stale`: the last poll could not; the keys are those of the poll before.
 */
export type KeyFollowerState = 'unknown' | 'remembered' | 'current' | 'stale'

export class KeyFollower {
  readonly #options: KeyFollowerOptions
  #ring = new KeyRing([])
  #records: readonly KeyRecord[] = []
  #text = writeKeys([])
  #state: KeyFollowerState = 'unknown'
  #fault: string | null = null
  #timer: NodeJS.Timeout | undefined
  #isStopped = false

  constructor(options: KeyFollowerOptions) {
    this.#options = options
  }

  /** Takes what is remembered, and begins to poll. @returns when the first poll is over */
  async start(): Promise<void> {
    await this.#remembered()
    await this.#begin()
  }

  ring(): KeyRing {
    return this.#ring
  }

  records(): readonly KeyRecord[] {
    return this.#records
  }

  state(): KeyFollowerState {
    return this.#state
  }

  /** Why the last poll could not read the store; null: it could. */
  fault(): string | null {
    return this.#fault
  }

  /** Waits for nothing: the store may be hanging. */
  stop(): void {
    this.#isStopped = true
    clearTimeout(this.#timer)
  }

  async #begin(): Promise<void> {
    await this.#poll()
    if (!this.#isStopped) this.#timer = setTimeout(() => void this.#begin(), this.#options.pollMs).unref()
  }

  async #poll(): Promise<void> {
    const { store, place, logger } = this.#options
    try {
      const records = await store.list()
      if (this.#fault !== null) logger.info({ place }, 'access: the keys can be read again')
      this.#fault = null
      this.#state = 'current'
      if (records === this.#records) return
      if (!this.#take(records)) return
      logger.info({ place, keys: records.length }, 'access: these keys are in force')
      await this.#remember()
    } catch (error) {
      const fault = (error as Error).message
      if (this.#isStopped || fault === this.#fault) return
      this.#fault = fault
      if (this.#state === 'current') this.#state = 'stale'
      logger.error(
        { place, state: this.#state, reason: fault },
        this.#state === 'unknown'
          ? 'access: the keys cannot be read; until they can, none is taken'
          : 'access: the keys cannot be read; those that were known stay in force',
      )
    }
  }

  /** @returns whether they are others than before */
  #take(records: readonly KeyRecord[]): boolean {
    const text = writeKeys(records)
    this.#records = records
    if (text === this.#text) return false
    this.#text = text
    this.#ring = new KeyRing(records)
    return true
  }

  async #remembered(): Promise<void> {
    const { memory, place } = this.#options
    if (memory === null) return
    try {
      const [origin = '', ...lines] = (await readFile(memory, 'utf8')).split('\n')
      if (origin !== originOf(place)) return
      this.#take(readKeys(lines.join('\n')))
      this.#state = 'remembered'
    } catch {
      // There was no process before, or it was of another version.
    }
  }

  /** Of this place only: another database may know other keys. */
  async #remember(): Promise<void> {
    const { memory, place, logger } = this.#options
    if (memory === null) return
    try {
      await mkdir(dirname(memory), { recursive: true, mode: 0o700 })
      await replaceFile(memory, `${originOf(place)}\n${this.#text}`)
    } catch (error) {
      logger.warn({ err: error }, 'access: the keys cannot be remembered for a start without the database')
    }
  }
}

const originOf = (place: string): string => `// ${place}`
