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

/** A fault of a row that is no fault of a single field; its `field` is empty. */
export const rowFault = (message: string, brief = message): Fault => new Fault('', message, brief)

export const notUtf8 = (): Fault => rowFault('expected UTF-8, got other bytes')
