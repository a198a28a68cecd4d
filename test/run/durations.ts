/**
 * How long each test file took the last time, kept with the packages: who starts the longest first waits for none of them at the end.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const FILE = 'node_modules/.cache/day7-test/seconds.json'

type Seconds = Readonly<Record<string, number>>

export function readDurations(): Seconds {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as Seconds
  } catch {
    return {} // there was no run, or one that was broken off while it wrote
  }
}

/** Of files that were not in this run, what is known stays. */
export function keepDurations(secondsOf: ReadonlyMap<string, number>): void {
  mkdirSync(dirname(FILE), { recursive: true })
  writeFileSync(FILE, JSON.stringify({ ...readDurations(), ...Object.fromEntries(secondsOf) }))
}

/** Groups of files that run one after the other, the longest first; what is not known counts as long. */
export function longestFirst<T extends readonly string[]>(groups: readonly T[], known: Seconds): T[] {
  const secondsOf = (group: T): number =>
    group.reduce((sum, file) => sum + (known[file] ?? UNKNOWN_SECONDS), 0)
  return groups.toSorted((a, b) => secondsOf(b) - secondsOf(a))
}

const UNKNOWN_SECONDS = 10
