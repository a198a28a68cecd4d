/**
 * Which bundle answers which request: the bundles of one moment and how traffic is split between them. Immutable; a request takes the
 * one of its moment and keeps it, so that a change of models never splits a batch.
 */
import { hash } from 'node:crypto'
import type { Bundle } from '../bundle/index.ts'

export const VARIANTS = ['champion', 'challenger'] as const
export type Variant = (typeof VARIANTS)[number]

export interface Slot {
  readonly bundle: Bundle
  /** Where the bundle came from: a folder, or `models:/name/version`. */
  readonly origin: string
  readonly since: Date
}

export interface Traffic {
  /** Of the keys, from 0 to 1, that the challenger answers while there is one. */
  readonly challengerShare: number
  /** Changed, it deals all keys anew. */
  readonly salt: string
  /** Whether the challenger also scores what the champion answers. */
  readonly shadow: boolean
}

export interface Assignment {
  readonly bundle: Bundle
  readonly variant: Variant
}

export interface Answer extends Assignment {
  readonly prediction: ReturnType<Bundle['predict']>
  /** The challenger that had no answer, where the champion gave this one; else null. */
  readonly failed: Bundle | null
}

export class Serving {
  readonly slots: Readonly<Record<Variant, Slot | null>>
  readonly traffic: Traffic
  readonly champion: Assignment
  readonly #challenger: Assignment | null
  readonly #onFallback: (error: unknown) => void

  /** @param onFallback is told when the challenger had no answer and the champion gave one */
  constructor(
    champion: Slot,
    challenger: Slot | null,
    traffic: Traffic,
    onFallback: (error: unknown) => void = () => {},
  ) {
    this.#onFallback = onFallback
    this.slots = { champion, challenger }
    this.traffic = traffic
    this.champion = { bundle: champion.bundle, variant: 'champion' }
    this.#challenger = challenger && { bundle: challenger.bundle, variant: 'challenger' }
  }

  /** @param key who or what stays in one arm: a user, or a prediction without one */
  assign(key: string): Assignment {
    const { challengerShare, salt } = this.traffic
    if (this.#challenger === null || challengerShare === 0) return this.champion
    return placeOf(salt, key) < challengerShare ? this.#challenger : this.champion
  }

  /**
   * What the key's arm predicts; where a challenger has no finite answer, what the champion does.
   * @throws RangeError if the champion has none
   */
  predict(key: string, install: Parameters<Bundle['predict']>[0]): Answer {
    const assigned = this.assign(key)
    if (assigned !== this.champion)
      try {
        return { ...assigned, prediction: assigned.bundle.predict(install), failed: null }
      } catch (error) {
        this.#onFallback(error)
      }
    const failed = assigned === this.champion ? null : assigned.bundle
    return { ...this.champion, prediction: this.champion.bundle.predict(install), failed }
  }

  /** The bundle that scores beside the champion; null if none does. */
  get shadow(): Bundle | null {
    return this.traffic.shadow ? (this.#challenger?.bundle ?? null) : null
  }
}

/** The same files under the same version, wherever they came from. */
export function isSameModel({ manifest: one }: Bundle, { manifest: other }: Bundle): boolean {
  return one.version === other.version && JSON.stringify([...one.files]) === JSON.stringify([...other.files])
}

const PLACE_BYTES = 6

/**
 * The key's place from 0 (inclusive) to 1, the same in every process and at any time: the first six bytes of SHA-256 of
 * `salt:key`. The challenger has the places below its share, so a greater share only adds keys to it.
 */
export function placeOf(salt: string, key: string): number {
  return hash('sha256', `${salt}:${key}`, 'buffer').readUIntBE(0, PLACE_BYTES) / 2 ** (8 * PLACE_BYTES)
}
