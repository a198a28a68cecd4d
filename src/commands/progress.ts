/**
 * How far a long work is → one line of a terminal that is written again and again: the share, the rows, their rate, the time left.
 */
import type { WriteStream } from 'node:tty'

const EVERY_MS = 100
const BAR = 24

export interface Progress {
  readonly rows: number
  /** 0 to 1; null where nobody knows. */
  readonly share: number | null
}

export class ProgressLine {
  readonly #terminal: Pick<WriteStream, 'write' | 'columns'>
  readonly #now: () => number
  readonly #startMs: number
  #shownMs = -Infinity

  /** @param now in milliseconds, of a clock that only goes forward */
  constructor(terminal: Pick<WriteStream, 'write' | 'columns'>, now: () => number) {
    this.#terminal = terminal
    this.#now = now
    this.#startMs = now()
  }

  show(progress: Progress): void {
    const nowMs = this.#now()
    if (nowMs - this.#shownMs < EVERY_MS) return
    this.#shownMs = nowMs
    const line = progressText(progress, nowMs - this.#startMs)
    this.#terminal.write(`\r${line.slice(0, Math.max(1, this.#terminal.columns - 1))}\x1b[K`)
  }

  clear(): void {
    if (this.#shownMs > -Infinity) this.#terminal.write('\r\x1b[K')
  }
}

export function progressText({ rows, share }: Progress, elapsedMs: number): string {
  const rate = elapsedMs > 0 ? (rows / elapsedMs) * 1000 : 0
  const counted = `${number(rows)} rows  ${number(rate)} rows/s`
  if (share === null) return counted
  const full = Math.round(share * BAR)
  const percent = `${Math.floor(share * 100)}`.padStart(3)
  const left = share > 0 ? `  ${clock((elapsedMs / share) * (1 - share))} left` : ''
  return `${percent} % ${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${counted}${left}`
}

export const number = (value: number): string => Math.round(value).toLocaleString('en')

/** `0:07`, `12:00`, `1:00:00` */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  const two = (value: number): string => String(value).padStart(2, '0')
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60]
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`
}
