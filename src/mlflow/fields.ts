/**
 * A JSON answer → values of the types that we expect, key by key. Refuses another type with the call, the key, what was expected and
 * what came. MLflow leaves out what is empty, so lists and texts have readers for that; int64 may come as text (proto3 JSON).
 */
import { MlflowError } from './errors.ts'

export class Fields {
  readonly #object: Readonly<Record<string, unknown>>
  readonly #where: string
  readonly #path: string

  /** @param where the call, as messages name it */
  constructor(value: unknown, where: string, path = '') {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      throw unexpected(where, path || 'the answer', 'an object', value)
    this.#object = value as Record<string, unknown>
    this.#where = where
    this.#path = path
  }

  /** What stands at a key: an object; empty if there is none. */
  object(key: string): Fields {
    return new Fields(this.#at(key) ?? {}, this.#where, this.#pathOf(key))
  }

  /** The objects of a list; none if there is no list. */
  objects(key: string): Fields[] {
    const list = this.#at(key) ?? []
    if (!Array.isArray(list)) throw this.#unexpected(key, 'a list')
    return list.map((each, at) => new Fields(each, this.#where, `${this.#pathOf(key)}[${at}]`))
  }

  /** A text that is there and not empty. */
  text(key: string): string {
    const value = this.#at(key)
    if (typeof value !== 'string' || value === '') throw this.#unexpected(key, 'a text')
    return value
  }

  /** A text; '' if there is none. */
  textOrEmpty(key: string): string {
    const value = this.#at(key) ?? ''
    if (typeof value !== 'string') throw this.#unexpected(key, 'a text')
    return value
  }

  textOrNull(key: string): string | null {
    return this.textOrEmpty(key) || null
  }

  /** A number, also in quotes: "NaN", "Infinity", "17". */
  number(key: string): number {
    const value = this.#at(key)
    if (typeof value === 'number') return value
    if (typeof value !== 'string' || !/^(NaN|-?Infinity|-?\d+(\.\d+)?(e[-+]?\d+)?)$/i.test(value))
      throw this.#unexpected(key, 'a number')
    return Number(value)
  }

  numberOrNull(key: string): number | null {
    return this.#at(key) === undefined || this.#at(key) === null ? null : this.number(key)
  }

  isTrue(key: string): boolean {
    return this.#at(key) === true
  }

  texts(key: string): string[] {
    const list = this.#at(key) ?? []
    if (!Array.isArray(list) || !list.every((each) => typeof each === 'string'))
      throw this.#unexpected(key, 'a list of texts')
    return list
  }

  /** A list of `{key, value}`. */
  pairs(key: string): Map<string, string> {
    return new Map(this.objects(key).map((pair) => [pair.textOrEmpty('key'), pair.textOrEmpty('value')]))
  }

  #at(key: string): unknown {
    return this.#object[key]
  }

  #pathOf(key: string): string {
    return this.#path === '' ? key : `${this.#path}.${key}`
  }

  #unexpected(key: string, expected: string): MlflowError {
    return unexpected(this.#where, this.#pathOf(key), expected, this.#at(key))
  }
}

function unexpected(where: string, what: string, expected: string, value: unknown): MlflowError {
  const got = JSON.stringify(value)?.slice(0, 100)
  return MlflowError.of(
    'MLFLOW_UNEXPECTED_ANSWER',
    `${where}: expected ${what} to be ${expected}, got ${got}`,
  )
}

/** What a caller gives as params or tags. */
export type Texts = Readonly<Record<string, string>> | ReadonlyMap<string, string>

export const entriesOf = (texts: Texts = {}): [string, string][] =>
  texts instanceof Map ? [...texts] : Object.entries(texts as Record<string, string>)

export const pairsOf = (texts: Texts | undefined): { key: string; value: string }[] =>
  entriesOf(texts).map(([key, value]) => ({ key, value }))
