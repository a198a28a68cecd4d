/**
 * What formats say against an input → the error of the request. A request that is refused as a whole is answered without its values.
 */
import { InputError } from '../formats/index.ts'
import type { Fault } from '../inputs/index.ts'

/** A request that is refused as a whole. */
export function refusal(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 400, code: 'INSTALLS_INVALID' })
}

/** @throws 400 where the input as a whole is wrong */
export function refusing<T>(read: () => T, refusalOf: (error: InputError) => Error): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof InputError ? refusalOf(error) : error
  }
}

export const inputRefusal = ({ brief }: InputError): Error => refusal(brief)

/** Nothing of a header is repeated: where there is none, its cells are an install. */
export function headerRefusal({ brief }: InputError): Error {
  return Object.assign(new Error(`header: ${brief.replace(/^line \d+: /, '')}`), {
    statusCode: 400,
    code: 'CSV_HEADER_INVALID',
  })
}

/** @param shown the fault's message, or that without what came */
export const lineFault = ({ field }: Fault, shown: string): string =>
  field === '' ? `line: ${shown}` : shown
