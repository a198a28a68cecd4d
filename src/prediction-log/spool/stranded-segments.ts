/**
 * Segments that another process left and that this one cannot take over: counted, and logged when that changes.
 */
import type { LogLogger } from '../logger.ts'
import { reasonOf } from '../reason.ts'
import type { Stranded } from './owner.ts'

export interface StrandedStatus {
  readonly segments: number
  readonly bytes: number
  /** Of the first of them; null if there are none. */
  readonly error: string | null
}

const SHOWN_PATHS = 5

export class StrandedSegments {
  readonly #options: { readonly folder: string; readonly logger: LogLogger }
  #status: StrandedStatus = { segments: 0, bytes: 0, error: null }

  constructor(options: { readonly folder: string; readonly logger: LogLogger }) {
    this.#options = options
  }

  status(): StrandedStatus {
    return this.#status
  }

  /** @param stranded all that there are now */
  see(stranded: readonly Stranded[]): void {
    const { logger, folder } = this.#options
    const [first] = stranded
    const before = this.#status
    this.#status = {
      segments: stranded.length,
      bytes: stranded.reduce((sum, { bytes }) => sum + bytes, 0),
      error: first ? reasonOf(first.error) : null,
    }
    if (this.#status.segments === before.segments && this.#status.error === before.error) return
    if (!first) return logger.info({ folder }, 'prediction log: no segment of the spool is stranded any more')
    logger.error(
      { err: first.error, ...this.#status, paths: stranded.slice(0, SHOWN_PATHS).map(({ path }) => path) },
      'prediction log: segments that another process left cannot be taken over, and are tried again; this process needs to read and rename them',
    )
  }
}
