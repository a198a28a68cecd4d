/**
 * What ends a stream from outside: a client that does nothing any more, or a service that stops. Whoever waits for the client waits for
 * these, too.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'

export class StreamError extends Error {
  readonly code: string
  readonly statusCode: number
  override readonly name = 'StreamError'

  constructor(statusCode: number, code: string, message: string) {
    super(message)
    this.statusCode = statusCode
    this.code = code
  }
}

/** The open streams of one app. */
export class Interruptions {
  readonly #open = new Set<(error: StreamError) => void>()

  constructor(app: FastifyInstance) {
    app.addHook('preClose', async () => {
      const error = new StreamError(503, 'STOPPING', 'the service is stopping; send the other lines again')
      for (const interrupt of this.#open) interrupt(error)
    })
  }

  /** Watches one stream until it is closed. */
  watch(request: FastifyRequest, reply: FastifyReply, idleMs: number): Interruption {
    const { promise, reject } = Promise.withResolvers<never>()
    promise.catch(() => {}) // it may come when nobody waits
    let isIdle = false
    reply.raw.setTimeout(idleMs, () => {
      // Who does not take what he asked for, or cannot even be told, is cut off.
      if (isIdle || reply.raw.writableNeedDrain) return request.raw.destroy()
      isIdle = true
      reject(new StreamError(408, 'STREAM_IDLE', `expected a line within ${idleMs} ms, got none`))
    })
    this.#open.add(reject)
    reply.raw.once('close', () => this.#open.delete(reject))
    return { orThrow: (waiting) => Promise.race([waiting, promise]) }
  }
}

export interface Interruption {
  /** @throws StreamError if the stream is interrupted first */
  orThrow<T>(waiting: Promise<T>): Promise<T>
}
