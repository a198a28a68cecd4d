/**
 * Which bundle answers which request: the bundles of one moment and how traffic is split between them. Immutable; a request takes the
 * one of its moment and keeps it, so that a change of models never splits a batch.
 */
import { hash } from 'node:crypto'
import type { Bundle } from '../bundle/index.ts'
import type { InputSchema, Row } from '../inputs/index.ts'

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
  /** Of the schema of the bundle that answered. */
  readonly row: Row
  readonly prediction: ReturnType<Bundle['predict']>
  /** The challenger that had no answer, where the champion gave this one; else null. */
  readonly failed: Bundle | null
}

/** Who is told why the champion answers in the challenger's place, each time. */
export interface Told {
  /** The challenger had no answer. */
  readonly onFallback: (error: unknown) => void
  /** The request had not the fields that the challenger takes. */
  readonly onUnasked: () => void
}

const NOBODY: Told = { onFallback: () => {}, onUnasked: () => {} }

export class Serving {
  readonly slots: Readonly<Record<Variant, Slot | null>>
  readonly traffic: Traffic
  readonly champion: Assignment
  /** The champion's: by these a request is read. */
  readonly inputs: InputSchema
  /** The challenger's, where they are others; else null. */
  readonly otherInputs: InputSchema | null
  readonly #challenger: Assignment | null
  readonly #told: Told

  constructor(champion: Slot, challenger: Slot | null, traffic: Traffic, told: Told = NOBODY) {
    this.#told = told
    this.slots = { champion, challenger }
    this.traffic = traffic
    this.champion = { bundle: champion.bundle, variant: 'champion' }
    this.#challenger = challenger && { bundle: challenger.bundle, variant: 'challenger' }
    this.inputs = champion.bundle.inputs
    this.otherInputs =
      challenger && !isSameInputs(challenger.bundle, champion.bundle) ? challenger.bundle.inputs : null
  }

  /** @param key who or what stays in one arm: a user, or a prediction without one */
  assign(key: string): Assignment {
    const { challengerShare, salt } = this.traffic
    if (this.#challenger === null || challengerShare === 0) return this.champion
    return placeOf(salt, key) < challengerShare ? this.#challenger : this.champion
  }

  /**
   * What the key's arm predicts; where a challenger has no finite answer, or the request not what it needs, what the champion does.
   * @param row of the champion's schema
   * @param rowFor gives the row of a challenger with other inputs; null where the request has not what it needs
   * @throws RangeError if the champion has no finite answer
   */
  predict(key: string, row: Row, rowFor: (other: InputSchema) => Row | null = () => null): Answer {
    const assigned = this.assign(key)
    if (assigned === this.champion) return this.#ofChampion(row, null)
    const { bundle } = assigned
    const own = this.otherInputs ? rowFor(this.otherInputs) : row
    if (own === null) {
      this.#told.onUnasked()
      return this.#ofChampion(row, null)
    }
    try {
      return { ...assigned, row: own, prediction: bundle.predict(own), failed: null }
    } catch (error) {
      this.#told.onFallback(error)
      return this.#ofChampion(row, bundle)
    }
  }

  #ofChampion(row: Row, failed: Bundle | null): Answer {
    return { ...this.champion, row, prediction: this.champion.bundle.predict(row), failed }
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

const isSameInputs = ({ inputs: one }: Bundle, { inputs: other }: Bundle): boolean =>
  one === other || one.id === other.id

const PLACE_BYTES = 6

/**
 * The key's place from 0 (inclusive) to 1, the same in every process and at any time: the first six bytes of SHA-256 of
 * `salt:key`. The challenger has the places below its share, so a greater share only adds keys to it.
 */
export function placeOf(salt: string, key: string): number {
  return hash('sha256', `${salt}:${key}`, 'buffer').readUIntBE(0, PLACE_BYTES) / 2 ** (8 * PLACE_BYTES)
}
