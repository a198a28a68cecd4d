/**
 * What a setting is, and how its text is read. Faults are collected, so that all are reported at once.
 */
export interface Setting {
  readonly name: string
  readonly default: string
  readonly description: string
  /** It may stand in a file of its own, which `NAME_FILE` names. */
  readonly secret?: true
}

/** Reads the settings of one section. A fault is noted; the value returned beside it is never used. */
export class Reader<Name extends string> {
  readonly #settings: readonly Setting[]
  readonly #environment: Readonly<Record<string, string | undefined>>
  readonly #faults: string[]

  constructor(
    settings: readonly (Setting & { readonly name: Name })[],
    environment: Readonly<Record<string, string | undefined>>,
    faults: string[],
  ) {
    this.#settings = settings
    this.#environment = environment
    this.#faults = faults
  }

  /** Empty is as good as not set. */
  text(name: Name): string {
    return this.#environment[name] || this.#settings.find((setting) => setting.name === name)!.default
  }

  whole(name: Name, min: number, max: number): number {
    const value = this.text(name)
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < min || number > max)
      this.fault(name, `expected a whole number from ${min} to ${max}, got "${value}"`)
    return number
  }

  oneOf<T extends string>(name: Name, choices: readonly T[]): T {
    const value = this.text(name)
    if (!choices.includes(value as T))
      this.fault(
        name,
        `expected one of ${choices.map((choice) => choice || 'nothing').join(', ')}, got "${value}"`,
      )
    return value as T
  }

  /** A value that may hold a secret is not repeated in the fault. */
  fault(name: Name, said: string): void {
    this.#faults.push(`${name}: ${said}`)
  }
}
