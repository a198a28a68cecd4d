/**
 * What is wrong: with an input as a whole (an error), or with one row of it (a fault).
 */
import { Fault } from '../inputs/index.ts'

/** Nothing of the input can be read. */
export class InputError extends Error {
  readonly code = 'INPUT_INVALID'
  override readonly name = 'InputError'
  /** The same without anything of the input, for answers that repeat nothing of a request. */
  readonly brief: string

  constructor(message: string, brief = message, options?: ErrorOptions) {
    super(message, options)
    this.brief = brief
  }
}

/** A fault of a row that is none of a single field; its `field` is empty. */
class RowFault extends Fault {
  readonly #brief: string

  constructor(problem: string, brief: string) {
    super('', problem, brief)
    this.#brief = brief
  }

  override get message(): string {
    return this.problem
  }

  override get brief(): string {
    return this.#brief
  }
}

/** @param brief the same without anything of the row */
export const rowFault = (problem: string, brief = problem): Fault => new RowFault(problem, brief)

export const notUtf8 = (): Fault => rowFault('expected UTF-8, got other bytes')
