/**
 * The bundles in service and how traffic is split: changed as a whole, between two requests. An old bundle is released with the last
 * request that took it.
 */
import type { Bundle } from '../bundle/index.ts'
import { isSameModel, Serving, type Slot, type Told, type Traffic, type Variant } from './serving.ts'

export interface RolloutOptions {
  readonly traffic: Traffic
  readonly now: () => Date
  /** Told why the champion answers in the challenger's place, each time. */
  readonly onFallback?: (error: unknown) => void
  /** Told of every change of a slot, after it. */
  readonly onChange?: (change: SlotChange) => void
}

export interface SlotChange {
  readonly variant: Variant
  /** Null: the slot is empty now. */
  readonly slot: Slot | null
}

export class Rollout {
  readonly #options: RolloutOptions
  #slots: Record<Variant, Slot | null> = { champion: null, challenger: null }
  #traffic: Traffic
  #serving: Serving | null = null
  #fallbacks = 0
  #unasked = 0
  readonly #watchers: ((change: SlotChange) => void)[] = []

  constructor(options: RolloutOptions) {
    this.#options = options
    this.#traffic = options.traffic
  }

  /** Of this moment; null until there is a champion. */
  current(): Serving | null {
    return this.#serving
  }

  /** Predictions that the champion made because the challenger had none, since the start. */
  fallbacks(): number {
    return this.#fallbacks
  }

  /** Predictions that the champion made in the challenger's arm because the request lacked what the challenger takes, since the start. */
  unasked(): number {
    return this.#unasked
  }

  /** @param watcher is told of every later change of a slot, after it */
  watch(watcher: (change: SlotChange) => void): void {
    this.#watchers.push(watcher)
  }

  place(variant: Variant, bundle: Bundle, origin: string): void {
    this.#set(variant, { bundle, origin, since: this.#options.now() })
  }

  /** A champion is only ever replaced. */
  clearChallenger(): void {
    if (this.#slots.challenger) this.#set('challenger', null)
  }

  direct(traffic: Traffic): void {
    this.#traffic = traffic
    this.#renew()
  }

  readonly #told: Told = {
    onFallback: (error) => {
      this.#fallbacks++
      this.#options.onFallback?.(error)
    },
    onUnasked: () => void this.#unasked++,
  }

  #set(variant: Variant, slot: Slot | null): void {
    this.#slots = { ...this.#slots, [variant]: slot }
    this.#renew()
    this.#options.onChange?.({ variant, slot })
    for (const watcher of this.#watchers) watcher({ variant, slot })
  }

  #renew(): void {
    const { champion, challenger } = this.#slots
    // A model is not compared with itself, such as in the middle of a promotion.
    const isRival = champion && challenger && !isSameModel(champion.bundle, challenger.bundle)
    this.#serving = champion && new Serving(champion, isRival ? challenger : null, this.#traffic, this.#told)
  }
}
