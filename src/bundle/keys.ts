/**
 * Reads the keys of a parsed JSON object, one type each, and says where it could not: a TypeError that names the key, what was
 * expected and what came.
 */
export class Keys {
  readonly #object: Record<string, unknown>
  readonly #path: string

  /** @param path what stands before the object's keys, such as `training.` */
  constructor(object: unknown, path: string) {
    if (typeof object !== 'object' || object === null || Array.isArray(object))
      throw new TypeError(
        `expected ${path ? `${path.slice(0, -1)} to be ` : ''}an object, got ${JSON.stringify(object)}`,
      )
    this.#object = object as Record<string, unknown>
    this.#path = path
  }

  value(key: string): unknown {
    return this.#object[key]
  }

  /** An object, or null, which has to be there. */
  nullable(key: string): Record<string, unknown> | null {
    return this.#object[key] === null ? null : this.object(key)
  }

  text(key: string): string {
    return this.#typed(
      key,
      'a text that is not empty',
      (value) => isStorable(value) && value !== '',
    ) as string
  }

  /** A text that may be empty. */
  anyText(key: string): string {
    return this.#typed(key, 'a text', isStorable) as string
  }

  number(key: string): number {
    return this.#typed(key, 'a number', (value) => typeof value === 'number') as number
  }

  boolean(key: string): boolean {
    return this.#typed(key, 'true or false', (value) => typeof value === 'boolean') as boolean
  }

  object(key: string): Record<string, unknown> {
    const isObject = (value: unknown): boolean =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
    return this.#typed(key, 'an object', isObject) as Record<string, unknown>
  }

  texts(key: string): string[] {
    const isTexts = (value: unknown): boolean =>
      Array.isArray(value) && value.every((each) => typeof each === 'string')
    return this.#typed(key, 'a list of texts', isTexts) as string[]
  }

  list(key: string): unknown[] {
    return this.#typed(key, 'a list', Array.isArray) as unknown[]
  }

  #typed(key: string, expected: string, test: (value: unknown) => boolean): unknown {
    const value = this.#object[key]
    if (!test(value))
      throw new TypeError(`expected ${this.#path}${key} to be ${expected}, got ${JSON.stringify(value)}`)
    return value
  }
}

/** Names and versions come into the log, and PostgreSQL stores neither NUL nor half a surrogate pair. */
const isStorable = (value: unknown): value is string =>
  typeof value === 'string' && value.isWellFormed() && !value.includes('\0')
