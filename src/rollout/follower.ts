/**
 * Follows a source: what it points to is fetched, verified aside, and put into its slot; the bundle in service stays until then.
 *
 *   looking      asks the source for the first time
 *   following    what the source points to is in service, or it points to nothing
 *   fetching     something new is being brought, verified and compiled, none of it in the way of a request
 *   refused      what the source points to is no good; it is not fetched again until it is another
 *   unreachable  the source cannot be asked, or what it points to cannot be had; looks come less often
 *   stopped
 */
import { type Bundle, BundleError } from '../bundle/index.ts'
import { expectCompatible, InputsRefusedError } from './inputs-check.ts'
import type { Rollout } from './rollout.ts'
import { isSameModel, type Variant } from './serving.ts'
import { type BundleSource, type Fetched, type Found, REFUSAL_CODES } from './source.ts'

export type FollowerState = 'looking' | 'following' | 'fetching' | 'refused' | 'unreachable' | 'stopped'

export interface FollowerLogger {
  info(details: object, message: string): void
  warn(details: object, message: string): void
  error(details: object, message: string): void
}

export interface FollowerOptions {
  readonly variant: Variant
  readonly source: BundleSource
  readonly rollout: Rollout
  /** A folder → a bundle that may serve; rejects with the code BUNDLE_INVALID where it may not. */
  readonly load: (folder: string) => Promise<Bundle>
  /** Ids of inputs with which a champion may come into service although it refuses requests that the present one takes. */
  readonly acceptedInputs: ReadonlySet<string>
  readonly intervalMs: number
  /** That the start waits for a first bundle; then it goes on without one. */
  readonly startWaitMs: number
  /** From 0 to 1. */
  readonly random: () => number
  readonly logger: FollowerLogger
  /** Told of every bundle that is refused. */
  readonly onRefusal: (refusal: Refusal) => void
}

export interface Refusal {
  readonly variant: Variant
  readonly origin: string
  readonly reason: string
}

export interface FollowerStatus {
  readonly state: FollowerState
  /** What the source points to, as far as it is known. */
  readonly wanted: string | null
  /** Why that is not in service; null if it is. */
  readonly reason: string | null
  readonly refusals: number
}

/** Why what the source points to does not serve. */
interface Refused {
  readonly reason: string
  /** The id of the inputs in service that it does not fit; null: it is no good in itself. */
  readonly beside: string | null
}

/** Of the interval, that a look comes earlier or later: processes that start together do not ask together. */
const JITTER = 0.2
/** Intervals between two looks at a source that is out of reach. */
const MAX_BACK_OFF = 4
const NO_MODEL = 'the source names no model'

export class Follower {
  readonly #options: FollowerOptions
  #state: FollowerState = 'looking'
  #wanted: string | null = null
  #reason: string | null = null
  /** Id of what is in service. */
  #served: string | null = null
  /** By id. */
  readonly #refused = new Map<string, Refused>()
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  readonly #stopping = new AbortController()

  constructor(options: FollowerOptions) {
    this.#options = options
  }

  status(): FollowerStatus {
    return {
      state: this.#state,
      wanted: this.#wanted,
      reason: this.#reason,
      refusals: this.#refused.size,
    }
  }

  /** The last good bundle serves at once, if there is one; otherwise a first look is waited for, but not for ever. */
  async start(): Promise<void> {
    const isServing = await this.#serveLast()
    this.#begin()
    if (isServing) return
    const waited = Promise.withResolvers<void>()
    const timer = setTimeout(waited.resolve, this.#options.startWaitMs)
    await Promise.race([this.#round, waited.promise])
    clearTimeout(timer)
  }

  /** Looks now. Resolves when that has led to something. */
  async look(): Promise<void> {
    await this.#round
    clearTimeout(this.#timer)
    this.#begin()
    await this.#round
  }

  /** What is being fetched is not served any more. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer)
    this.#state = 'stopped'
    this.#stopping.abort()
    await this.#round
  }

  #begin(): void {
    this.#round = this.#follow().finally(() => {
      if (this.#state === 'stopped') return
      const { intervalMs, random } = this.#options
      const delayMs = intervalMs * Math.min(2 ** this.#failures, MAX_BACK_OFF)
      this.#timer = setTimeout(() => this.#begin(), delayMs * (1 + JITTER * (2 * random() - 1))).unref()
    })
  }

  async #follow(): Promise<void> {
    try {
      const found = await this.#options.source.look(this.#stopping.signal)
      this.#wanted = found?.origin ?? null
      if (found === null) await this.#followNothing()
      else if (found.id === this.#served) this.#enter('following', null)
      else if (this.#isRefused(found)) this.#enter('refused', this.#refused.get(found.id)!.reason)
      else await this.#fetch(found)
      this.#failures = 0
    } catch (error) {
      if (this.#state === 'stopped') return
      this.#failures++
      const reason = reasonOf(error)
      // The first one is news.
      if (this.#failures === 1) this.#say('warn', { err: error }, 'the source of the model is out of reach')
      this.#enter('unreachable', reason)
    }
  }

  async #fetch(found: Found): Promise<void> {
    const { variant, rollout, load, acceptedInputs } = this.#options
    // What was wrong before is so until this one serves.
    this.#enter('fetching', this.#reason)
    let fetched: Fetched | undefined
    try {
      fetched = await found.fetch(this.#stopping.signal)
      const bundle = await load(fetched.folder)
      if (this.#state === 'stopped') return await fetched.discard()
      if (variant === 'champion') expectCompatible(this.#champion(), bundle, acceptedInputs)
      this.#served = found.id
      if (!isServed(bundle, found.origin, rollout, variant)) rollout.place(variant, bundle, found.origin)
      this.#enter('following', null)
    } catch (error) {
      await fetched?.discard()
      if (!isRefusal(error)) throw error
      this.#refuse(found, error)
      return
    }
    await fetched.keep().catch((error: unknown) => {
      this.#say('warn', { err: error }, 'the model in service cannot be kept for the next start')
    })
  }

  /** What was refused for its inputs may fit another champion. */
  #isRefused({ id }: Found): boolean {
    const refused = this.#refused.get(id)
    return (
      refused !== undefined && (refused.beside === null || refused.beside === this.#champion()?.inputs.id)
    )
  }

  #champion(): Bundle | null {
    return this.#options.rollout.current()?.champion.bundle ?? null
  }

  #refuse({ id, origin }: Found, error: unknown): void {
    const reason = reasonOf(error)
    const beside = error instanceof InputsRefusedError ? this.#champion()!.inputs.id : null
    this.#refused.set(id, { reason, beside })
    this.#enter('refused', reason)
    this.#say('error', { origin, err: error }, 'a model is refused; what is in service stays')
    this.#options.onRefusal({ variant: this.#options.variant, origin, reason })
  }

  /** No challenger is no fault; a champion is only ever replaced. */
  async #followNothing(): Promise<void> {
    const { variant, rollout, source } = this.#options
    if (variant === 'challenger') {
      rollout.clearChallenger()
      this.#served = null
      await source.forget()
      return this.#enter('following', null)
    }
    if (this.#reason !== NO_MODEL) this.#say('warn', {}, `${NO_MODEL}; what is in service stays`)
    this.#enter('following', NO_MODEL)
  }

  async #serveLast(): Promise<boolean> {
    const { variant, rollout, source, load } = this.#options
    const last = await source.last()
    if (!last) return false
    try {
      rollout.place(variant, await load(last.folder), last.origin)
      this.#served = last.id
      return true
    } catch (error) {
      this.#say('error', { err: error }, 'the last model in service cannot be used again')
      if (isRefusal(error)) await source.spoil()
      return false
    }
  }

  #enter(state: FollowerState, reason: string | null): void {
    if (this.#state === 'stopped') return
    this.#state = state
    this.#reason = reason
  }

  #say(level: 'warn' | 'error', details: object, message: string): void {
    this.#options.logger[level]({ variant: this.#options.variant, ...details }, `rollout: ${message}`)
  }
}

/** The same files under another id, such as a folder that was copied once more. */
function isServed(bundle: Bundle, origin: string, rollout: Rollout, variant: Variant): boolean {
  const slot = rollout.current()?.slots[variant]
  return slot?.origin === origin && isSameModel(slot.bundle, bundle)
}

const isRefusal = (error: unknown): boolean => REFUSAL_CODES.has((error as { code?: unknown }).code)

/** For everybody: of a refusal what is wrong, without the folder, which is a temporary one; of any other error its code alone. */
function reasonOf(error: unknown): string {
  if (error instanceof BundleError)
    return `${error.file}: ${error.problem.replaceAll(`${error.directory}/`, '')}`
  const { code, message } = error as { readonly code?: unknown; readonly message: string }
  return isRefusal(error) || typeof code !== 'string' ? message : code
}
