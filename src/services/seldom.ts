/**
 * What may happen thousands of times a second → the first one, and then one a minute, with how many there were.
 */
const SAY_EVERY_MS = 60_000

export function seldom(say: (error: unknown, count: number) => void): (error: unknown) => void {
  let count = 0
  let saidMs = -Infinity
  return (error) => {
    count++
    if (performance.now() - saidMs < SAY_EVERY_MS) return
    saidMs = performance.now()
    say(error, count)
  }
}
