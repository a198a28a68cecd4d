/**
 * The logger of a request, which names the request in its lines. It is made when something is logged, which most requests do not: making
 * one costs more than all that is counted of them.
 */
import type { FastifyBaseLogger } from 'fastify'

type Method = FastifyBaseLogger['info']

export class RequestLogger implements FastifyBaseLogger {
  readonly #parent: FastifyBaseLogger
  readonly #bindings: Readonly<Record<string, unknown>>
  readonly #options: { readonly level?: string }
  #made: FastifyBaseLogger | undefined

  /** @param options the route's own level, where it has one */
  constructor(
    parent: FastifyBaseLogger,
    bindings: Readonly<Record<string, unknown>>,
    options: { readonly level?: string },
  ) {
    this.#parent = parent
    this.#bindings = bindings
    this.#options = options
  }

  get level(): string {
    return this.#options.level ?? this.#parent.level
  }

  child(...args: Parameters<FastifyBaseLogger['child']>): FastifyBaseLogger {
    return this.#logger().child(...args)
  }

  fatal(...args: unknown[]): void {
    this.#logger().fatal(...(args as Parameters<Method>))
  }

  error(...args: unknown[]): void {
    this.#logger().error(...(args as Parameters<Method>))
  }

  warn(...args: unknown[]): void {
    this.#logger().warn(...(args as Parameters<Method>))
  }

  info(...args: unknown[]): void {
    this.#logger().info(...(args as Parameters<Method>))
  }

  debug(...args: unknown[]): void {
    this.#logger().debug(...(args as Parameters<Method>))
  }

  trace(...args: unknown[]): void {
    this.#logger().trace(...(args as Parameters<Method>))
  }

  silent(): void {}

  #logger(): FastifyBaseLogger {
    return (this.#made ??= this.#parent.child(this.#bindings, this.#options))
  }
}
