/**
 * A line of NDJSON → an install, or what is wrong with it. Where a key is repeated, the last one counts, as for JSON.parse.
 */
import { isUtf8 } from 'node:buffer'
import { Fault, type InputSchema } from '../../inputs/index.ts'
import type { Naming } from '../columns.ts'
import { notUtf8, rowFault } from '../errors.ts'
import type { Others, ReadInstall } from '../install.ts'
import { type JsonObject, ObjectReader } from '../object-reader.ts'

export interface NdjsonRules {
  readonly naming: Naming
  readonly others: Others
  readonly otherSchemas?: readonly InputSchema[]
  /** Members that the output has more. */
  readonly added?: readonly string[]
}

export interface ReadLine {
  readonly install: ReadInstall
  readonly object: JsonObject
}

export class NdjsonReader {
  readonly #objects: ObjectReader
  readonly #added: readonly string[]

  constructor(schema: InputSchema, { added = [], ...rules }: NdjsonRules) {
    this.#objects = new ObjectReader(schema, { ...rules, text: 'cell' })
    this.#added = added
  }

  /** @returns null for a line of blanks, which is no row */
  read(line: Uint8Array): ReadLine | Fault | null {
    if (!isUtf8(line)) return notUtf8()
    const text = decoder.decode(line)
    if (BLANKS.test(text)) return null
    let object: unknown
    try {
      object = JSON.parse(text)
    } catch (error) {
      return rowFault(`expected JSON: ${(error as Error).message}`, 'expected JSON, got something else')
    }
    const install = this.#objects.read(object)
    if (install instanceof Fault) return install
    const there = this.#added.find((name) => Object.hasOwn(object as JsonObject, name))
    if (there !== undefined) {
      const problem = 'expected not to be there: it is what is added'
      return new Fault(there, problem, problem)
    }
    return { install, object: object as JsonObject }
  }
}

/** Of JSON. */
const BLANKS = /^[ \t\r\n]*$/

const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
