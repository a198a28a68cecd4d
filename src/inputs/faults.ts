/**
 * Why a value is refused: the field, what was expected, what came.
 */
import { describeText, describeValue, kindOf } from './describe.ts'
import type { Field } from './field.ts'

/** Not an Error, since a stack takes longer to make than a thousand values to read. */
export class Fault {
  /** The name of the field. */
  readonly field: string
  /** `expected a number ≥ 0, got -1` */
  readonly problem: string
  readonly #briefProblem: string

  /** @param briefProblem the same without the value that came */
  constructor(field: string, problem: string, briefProblem: string) {
    this.field = field
    this.problem = problem
    this.#briefProblem = briefProblem
  }

  /** `event_1: expected a number ≥ 0, got -1` */
  get message(): string {
    return `${this.field}: ${this.problem}`
  }

  /** For answers that repeat nothing of a request: `event_1: expected a number ≥ 0, got negative number`. */
  get brief(): string {
    return `${this.field}: ${this.#briefProblem}`
  }
}

/** @param expected without the null that a nullable field takes, too */
export function wrongType({ name, nullable }: Field, expected: string, value: unknown): Fault {
  return wrongValue(name, nullable ? `${expected} or null` : expected, value)
}

export function wrongValue(name: string, expected: string, value: unknown): Fault {
  return faultOf(name, expected, describeValue(value), kindOf(value))
}

export function wrongCell(name: string, expected: string, cell: string): Fault {
  return faultOf(name, expected, describeText(cell), 'another text')
}

export const wrongLength = (name: string, most: number, length: number): Fault =>
  faultOf(name, `at most ${most} characters`, String(length), String(length))

export const wrongEncoding = (name: string): Fault => faultOf(name, 'UTF-8', 'other bytes', 'other bytes')

export function absent(name: string): Fault {
  const problem = 'expected, but it is missing'
  return new Fault(name, problem, problem)
}

const faultOf = (name: string, expected: string, shown: string, kind: string): Fault =>
  new Fault(name, `expected ${expected}, got ${shown}`, `expected ${expected}, got ${kind}`)
