/**
 * Lines of the log → stdout, never in the way of a request or of the end. Whoever reads them may be slow, stand still or be gone: a line is
 * written at once where there is room for it, waits in memory where there is none, and is dropped when too many wait. How many were
 * dropped is said when lines are taken again.
 */

/** What is needed of a stream such as `process.stdout`. */
export interface LineStream {
  readonly writableLength: number
  write(text: string, done: (error?: Error | null) => void): unknown
  on(event: 'error', listen: () => void): unknown
}

export interface LogOutputOptions {
  /** Lines are gathered up to this, or for `GATHERED_MS`; 0: each is written at once, so that the last one before a crash is there. */
  readonly gatherBytes: number
  readonly maxWaitingBytes: number
}

const GATHERED_MS = 1_000
/** A stream that failed (a reader that is gone, a disk that is full) is tried again after this. */
const BROKEN_MS = 1_000

export class LogOutput {
  readonly #stream: LineStream
  readonly #options: LogOutputOptions
  #gathered = ''
  #timer: NodeJS.Timeout | undefined
  #dropped = 0
  #brokenUntilMs = -Infinity
  #waiting = 0

  constructor(stream: LineStream, options: LogOutputOptions) {
    this.#stream = stream
    this.#options = options
    // Without a listener it would end the process. Which lines it was, `write` is told, too.
    stream.on('error', () => {})
  }

  /** As pino calls it. */
  write(line: string): void {
    const isFull = this.#stream.writableLength + this.#gathered.length > this.#options.maxWaitingBytes
    if (isFull || performance.now() < this.#brokenUntilMs) return void this.#dropped++
    if (this.#dropped > 0) this.#gathered += this.#tellDropped()
    this.#gathered += line
    if (this.#gathered.length >= this.#options.gatherBytes) this.#pass()
    else this.#timer ??= setTimeout(() => this.#pass(), GATHERED_MS).unref()
  }

  /** Resolves when all is written, or cannot be, or after so long. */
  async flush(withinMs: number): Promise<void> {
    this.#pass()
    const untilMs = performance.now() + withinMs
    while (this.#waiting > 0 && performance.now() < untilMs)
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }

  #pass(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const text = this.#gathered
    if (text === '') return
    this.#gathered = ''
    this.#waiting++
    this.#stream.write(text, (error) => {
      this.#waiting--
      if (!error) return
      this.#dropped += text.split('\n').length - 1
      this.#brokenUntilMs = performance.now() + BROKEN_MS
    })
  }

  #tellDropped(): string {
    const line = { level: 40, time: Date.now(), pid: process.pid, dropped: this.#dropped }
    this.#dropped = 0
    return `${JSON.stringify({ ...line, msg: 'log: lines were dropped, for nobody took them' })}\n`
  }
}

const LOOK_EVERY_MS = 10
