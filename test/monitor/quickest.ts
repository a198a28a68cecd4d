/**
 * The time that some work takes, to be compared with that of other work in the same run.
 */
const ROUNDS = 10
const TIMES = 2_000

/** @returns milliseconds of the quickest round, in which the machine has done little else */
export function quickestMs(work: (i: number) => void): number {
  const rounds = Array.from({ length: ROUNDS }, () => {
    const startMs = performance.now()
    for (let i = 0; i < TIMES; i++) work(i)
    return performance.now() - startMs
  })
  return Math.min(...rounds)
}
