/**
 * What ends a stream from outside: a client that does nothing any more, or a service that stops. Whoever waits for something in a stream
 * waits for these, too.
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
  readonly #open = new Set<Interruption>()

  constructor(app: FastifyInstance) {
    app.addHook('preClose', async () => {
      const error = new StreamError(503, 'STOPPING', 'the service is stopping; send the other lines again')
      for (const stream of this.#open) stream.interrupt(error)
    })
  }

  /** Watches one stream until it is closed. */
  watch(request: FastifyRequest, reply: FastifyReply, idleMs: number): Interruption {
    const stream = new Interruption()
    reply.raw.setTimeout(idleMs, () => {
      // Who does not take what he asked for, or does not even take that he was told to end, is cut off.
      if (stream.isInterrupted || reply.raw.writableNeedDrain) return request.raw.destroy()
      stream.interrupt(new StreamError(408, 'STREAM_IDLE', `expected a line within ${idleMs} ms, got none`))
    })
    this.#open.add(stream)
    reply.raw.once('close', () => this.#open.delete(stream))
    return stream
  }
}

export class Interruption {
  #error: StreamError | null = null
  #waiting: ((error: StreamError) => void) | null = null

  get isInterrupted(): boolean {
    return this.#error !== null
  }

  interrupt(error: StreamError): void {
    this.#error ??= error
    this.#waiting?.(this.#error)
  }

  /**
   * For one who waits at a time. Not `Promise.race` with a promise that lives as long as the stream: that would keep whatever was ever
   * waited for.
   * @throws StreamError if the stream is interrupted first
   */
  async orThrow<T>(waiting: Promise<T>): Promise<T> {
    try {
      return await new Promise((resolve, reject) => {
        this.#waiting = reject
        waiting.then(resolve, reject)
        if (this.#error) reject(this.#error)
      })
    } finally {
      this.#waiting = null
    }
  }
}
