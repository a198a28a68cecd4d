/**
 * What is wrong with an input schema, and where: `path` points into the document, e.g. `fields[3].roles`; it is empty for the whole.
 */
import { describeValue } from './describe.ts'

export class InputSchemaError extends Error {
  readonly code = 'INPUT_SCHEMA_INVALID'
  override readonly name = 'InputSchemaError'
  readonly path: string

  /** @param problem such as `expected text, got 5` */
  constructor(path: string, problem: string) {
    super(`input schema${path === '' ? '' : `, ${path}`}: ${problem}`)
    this.path = path
  }
}

export const unexpected = (path: string, expected: string, actual: unknown): InputSchemaError =>
  new InputSchemaError(path, `expected ${expected}, got ${describeValue(actual)}`)
