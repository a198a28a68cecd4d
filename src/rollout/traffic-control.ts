/**
 * How traffic is split: as the settings say until somebody says otherwise at run time, which is kept in a store that all processes
 * read, and in a file, so that a start without the store does not bring back a challenger that was switched off.
 *
 * What the store has last is in force, in every process after one poll. It comes from the settings (`settings`) or from a call
 * (`admin`); other settings replace only what came from settings.
 */
import { randomUUID } from 'node:crypto'
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Rollout } from './rollout.ts'
import type { Traffic } from './serving.ts'

export interface TrafficSetting extends Traffic {
  readonly origin: 'settings' | 'admin'
  /** Of two, the greater one is in force, whatever clocks say; 0: it did not come from the store. */
  readonly id: number
  /** When it was kept; null: it is of this process alone. */
  readonly since: Date | null
}

export interface TrafficStore {
  /** Keeps the settings if nothing else was kept, or other settings. @returns what is in force */
  adopt(settings: Traffic): Promise<TrafficSetting>
  /** @returns what is in force; null: nothing was ever kept */
  latest(): Promise<TrafficSetting | null>
  /**
   * @param traffic what it leaves out stays as it is in force, or as in `otherwise` where nothing was kept
   * @returns what was kept
   */
  keep(
    traffic: Partial<Traffic>,
    otherwise: Traffic,
    origin: TrafficSetting['origin'],
  ): Promise<TrafficSetting>
}

export interface TrafficControlOptions {
  readonly settings: Traffic
  readonly store: TrafficStore
  /** Where what is in force is remembered. */
  readonly file: string
  readonly rollout: Pick<Rollout, 'direct'>
  readonly pollMs: number
  readonly logger: {
    info(details: object, message: string): void
    warn(details: object, message: string): void
  }
}

export class TrafficControl {
  readonly #options: TrafficControlOptions
  #setting: TrafficSetting
  #adopted = false
  #timer: NodeJS.Timeout | undefined
  #round: Promise<void> = Promise.resolve()
  #isStopped = false
  #remembering: Promise<void> = Promise.resolve()

  constructor(options: TrafficControlOptions) {
    this.#options = options
    this.#setting = { ...options.settings, origin: 'settings', id: 0, since: null }
  }

  current(): TrafficSetting {
    return this.#setting
  }

  /** Takes what the file remembers of a call, and begins to poll; waits for no store. */
  async start(): Promise<void> {
    const remembered = await this.#remembered()
    if (remembered?.origin === 'admin') this.#direct(remembered)
    this.#begin()
  }

  /**
   * What is left out stays as it is, for all processes.
   * @throws what the store throws; then nothing has changed
   */
  async set(traffic: Partial<Traffic>): Promise<TrafficSetting> {
    const { store, settings } = this.#options
    return this.#inForce(await store.keep(traffic, settings, 'admin'))
  }

  /** Back to the settings. @throws as `set` */
  async reset(): Promise<TrafficSetting> {
    const { store, settings } = this.#options
    return this.#inForce(await store.keep(settings, settings, 'settings'))
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    clearTimeout(this.#timer)
    await this.#round
    await this.#remembering
  }

  #begin(): void {
    this.#round = this.#poll().finally(() => {
      if (!this.#isStopped) this.#timer = setTimeout(() => this.#begin(), this.#options.pollMs).unref()
    })
  }

  async #poll(): Promise<void> {
    const { store, settings } = this.#options
    try {
      const kept = this.#adopted ? await store.latest() : await store.adopt(settings)
      this.#adopted = true
      if (kept) await this.#inForce(kept)
    } catch {
      // The log says that its database is away; what is in force stays.
    }
  }

  async #inForce(setting: TrafficSetting): Promise<TrafficSetting> {
    // An answer that was on its way while another one was kept.
    if (setting.id < this.#setting.id) return this.#setting
    if (setting.id !== this.#setting.id) {
      this.#direct(setting)
      // One after the other: the file has the last one.
      this.#remembering = this.#remembering.then(() => this.#remember(setting))
    }
    await this.#remembering
    return setting
  }

  #direct(setting: TrafficSetting): void {
    const { rollout, settings, logger } = this.#options
    this.#setting = setting
    const { challengerShare, salt, shadow, origin } = setting
    rollout.direct({ challengerShare, salt, shadow })
    if (origin === 'admin' && !isSplit(setting, settings))
      logger.warn(
        { challengerShare, shadow },
        'rollout: the split was set at run time; ROLLOUT, ROLLOUT_SHADOW and ROLLOUT_SALT have no effect',
      )
    else logger.info({ challengerShare, shadow }, 'rollout: traffic is split so')
  }

  async #remembered(): Promise<TrafficSetting | null> {
    try {
      const { challengerShare, salt, shadow, origin, since } = JSON.parse(
        await readFile(this.#options.file, 'utf8'),
      )
      const isWhole =
        challengerShare >= 0 &&
        challengerShare <= 1 &&
        typeof salt === 'string' &&
        typeof shadow === 'boolean'
      return isWhole ? { challengerShare, salt, shadow, origin, id: 0, since: new Date(since) } : null
    } catch {
      return null
    }
  }

  async #remember(setting: TrafficSetting): Promise<void> {
    const { file, logger } = this.#options
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 })
      const written = `${file}.${randomUUID()}`
      await writeFile(written, JSON.stringify(setting))
      await rename(written, file)
    } catch (error) {
      logger.warn({ err: error }, 'rollout: the split cannot be remembered for a start without the database')
    }
  }
}

const isSplit = (a: Traffic, b: Traffic): boolean =>
  a.challengerShare === b.challengerShare && a.salt === b.salt && a.shadow === b.shadow
