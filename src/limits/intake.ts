/**
 * How many requests a turn of the event loop takes up, and how many it refuses.
 *
 * All requests that have arrived when a turn begins are taken up one after the other and answered at its end; what arrives meanwhile
 * waits for the next one. So the length of a turn is how long requests wait. Here a turn takes up requests until its time is up, the
 * answers of the turn before included; time in which the machine did something else does not count, since to refuse would then gain
 * nothing. The others are refused, which is work too, and work that is asked for again at once by clients that do not wait: so refusals
 * get a fiftieth of the time, and wait in line for it.
 */
export interface IntakeClock {
  /** Never goes back. */
  nowMs(): number
  /** Time for which the thread has worked; dearer to ask for. */
  workedMs(): number
  /** Calls at the end of the present turn, or of the next one if it is just being ended. */
  atTheEnd(call: () => void): void
}

const REFUSING_SHARE = 0.02
/** At least, in each turn. */
const REFUSING_MS = 0.2

export class Intake {
  readonly #turnMs: number
  readonly #clock: IntakeClock
  /** When the present turn began; null: nothing is to be done. */
  #startedMs: number | null = null
  /** What the thread had worked then. */
  #workedMs = 0
  /** Whether the present turn was asked for anything. */
  #isUsed = false
  #refusals: (() => void)[] = []

  constructor(turnMs: number, clock: IntakeClock = EVENT_LOOP) {
    this.#turnMs = turnMs
    this.#clock = clock
  }

  /** Is there room in this turn for the request that asks? */
  hasRoom(): boolean {
    const nowMs = this.#clock.nowMs()
    this.#isUsed = true
    if (this.#startedMs === null) this.#begin(nowMs, this.#clock.workedMs())
    return nowMs - this.#startedMs! < this.#turnMs || this.#clock.workedMs() - this.#workedMs < this.#turnMs
  }

  /** In the order in which they come. */
  refuse(refusal: () => void): void {
    this.#isUsed = true
    if (this.#startedMs === null) this.#begin(this.#clock.nowMs(), this.#clock.workedMs())
    this.#refusals.push(refusal)
  }

  waiting(): number {
    return this.#refusals.length
  }

  #begin(nowMs: number, workedMs: number): void {
    this.#startedMs = nowMs
    this.#workedMs = workedMs
    this.#clock.atTheEnd(() => this.#end())
  }

  /** A turn begins where the last one ends, unless that one was not used: then the loop has slept. */
  #end(): void {
    const [nowMs, workedMs] = [this.#clock.nowMs(), this.#clock.workedMs()]
    const untilMs = nowMs + Math.max(REFUSING_MS, (nowMs - this.#startedMs!) * REFUSING_SHARE)
    let done = 0
    while (done < this.#refusals.length && this.#clock.nowMs() < untilMs) this.#refusals[done++]!()
    this.#refusals.splice(0, done)
    const goesOn = this.#isUsed || this.#refusals.length > 0
    this.#isUsed = false
    if (goesOn) this.#begin(nowMs, workedMs)
    else this.#startedMs = null
  }
}

const EVENT_LOOP: IntakeClock = {
  nowMs: () => performance.now(),
  workedMs() {
    const { user, system } = process.threadCpuUsage()
    return (user + system) / 1000
  },
  atTheEnd: setImmediate,
}
