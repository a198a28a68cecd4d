/**
 * The order in which the segments of one process are stored. The next one is copied to the server while this one is inserted and counted
 * there, which takes as long; it is inserted when this one is committed, since a shadow is added to a prediction that came before it.
 */

/** One shipment, as the one behind it sees it. Each promise settles once; all are settled when the shipment has ended. */
interface Shipping {
  /** The next one may begin: this one has its connection, and its lines are with the server. */
  readonly copied: Promise<void>
  /** Rejected as soon as it is known that this one needs more than one transaction, or fails. */
  readonly stored: Promise<void>
  /** Rejected if it fails. */
  readonly ended: Promise<void>
}

/** What a shipment does where the next one has to know of it. */
export interface Turn {
  /** To be called when the lines are with the server. @throws OutOfTurnError if this transaction is to be given up */
  insertNext(): Promise<void>
  /** To be called when its first transaction fails. */
  giveUp(): void
}

export class OutOfTurnError extends Error {
  readonly code = 'OUT_OF_TURN'
  override readonly name = 'OutOfTurnError'
}

const NOTHING: Shipping = { copied: Promise.resolve(), stored: Promise.resolve(), ended: Promise.resolve() }

export class ShippingOrder {
  #last = NOTHING

  /** @throws what `ship` throws, and what the shipment before it failed with */
  async run<T>(ship: (turn: Turn) => Promise<T>): Promise<T> {
    const before = this.#last
    const [copied, stored, ended] = [
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
      Promise.withResolvers<void>(),
    ]
    const own = { copied: copied.promise, stored: stored.promise, ended: ended.promise }
    this.#last = own
    for (const { promise } of [stored, ended]) promise.catch(() => {}) // there may be no next one
    const after = (stored: Promise<void>): Turn => ({
      insertNext: () => (copied.resolve(), stored),
      giveUp,
    })
    function giveUp(): void {
      stored.reject(new OutOfTurnError('the shipment before this one needs another transaction'))
    }
    try {
      await before.copied
      const result = await ship(after(before.stored)).catch(async (error: unknown) => {
        if (!(error instanceof OutOfTurnError)) throw error
        await before.ended
        return ship(after(NOTHING.stored))
      })
      ended.resolve()
      return result
    } catch (error) {
      ended.reject(error)
      giveUp()
      throw error
    } finally {
      copied.resolve()
      stored.resolve()
      // What comes later has nothing to do with how this one ended.
      if (this.#last === own) this.#last = NOTHING
    }
  }
}
