/**
 * Where first answers are kept: names and values that mean nothing to it, each for a limited time.
 */
export interface AnswerStore {
  /** Whether others can read what it keeps. */
  readonly isExposed?: boolean
  /**
   * Keeps the value if there is none under that name: of all who try, one is first.
   * @returns null to the first, and to all others what the first has kept
   * @throws Error if it cannot be known whether the value was kept
   */
  keep(name: string, value: Buffer): Promise<Buffer | null>
  /** @throws Error as `keep` */
  find(name: string): Promise<Buffer | null>
  close?(): Promise<void>
}
