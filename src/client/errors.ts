/**
 * Why a call has no answer.
 */

export class Day7Error extends Error {
  override readonly name = 'Day7Error'
  /** Of the last answer; 0 where there was none. */
  readonly status: number
  /** The service's own name of the error; `UNREACHABLE` where there was no answer. */
  readonly code: string

  constructor(status: number, code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.status = status
    this.code = code
  }
}
