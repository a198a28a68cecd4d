/**
 * How a service that is told to stop leaves its port without failing a request.
 *
 *   serving    → draining, leaving, retiring
 *   draining   told to stop: readiness is 503, so that balancers turn away; all requests are answered → leaving
 *   leaving    the listener is closed. Open connections are kept for a while, and each answer says `connection: close`, so that
 *              no request meets a connection that is just being cut → closed
 *   retiring   as leaving, but other workers listen on: readiness stays as it is → closed
 *   closed     idle connections are cut, open requests were answered or have had their time
 */
import { Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { App } from './context.ts'

export type LifecycleState = 'serving' | 'draining' | 'leaving' | 'retiring' | 'closed'

/** A connection that had no request for so long will hardly have one at the moment at which it is cut. */
const LINGER_MS = 2_000
const LOOK_EVERY_MS = 10

export class Lifecycle {
  #state: LifecycleState = 'serving'
  #lingerMs = 0

  state(): LifecycleState {
    return this.#state
  }

  /** Before the app listens. */
  attach(app: App): void {
    // From here on Fastify says `connection: close`, and it closes the server afterwards.
    app.addHook('preClose', () => this.#linger(app.server))
  }

  /** Answers everything, but is not ready any more. */
  async drain(ms: number): Promise<void> {
    if (ms === 0) return
    this.#state = 'draining'
    await delay(ms)
  }

  /**
   * @param retires others listen on the same port
   * @param graceMs connections whose request does not end in this time are cut
   */
  async leave(app: App, retires: boolean, graceMs: number): Promise<void> {
    // Who was not given the time to turn away from us is not waited for.
    if (retires || this.#state === 'draining') this.#lingerMs = Math.min(LINGER_MS, graceMs)
    this.#state = retires ? 'retiring' : 'leaving'
    const timer = setTimeout(() => app.server.closeAllConnections(), graceMs)
    await app.close()
    clearTimeout(timer)
    this.#state = 'closed'
  }

  async #linger(server: App['server']): Promise<void> {
    if (this.#lingerMs === 0) return
    // http's own close would cut idle connections at once.
    Server.prototype.close.call(server)
    const endMs = performance.now() + this.#lingerMs
    while (performance.now() < endMs && (await connectionsOf(server)) > 0) await delay(LOOK_EVERY_MS)
  }
}

function connectionsOf(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
  })
}
