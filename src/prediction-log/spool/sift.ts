/**
 * The bytes of a segment → its whole lines, and what else it holds.
 */
import { CHECKSUM_BYTES, isWhole, NEWLINE, TAB } from './line.ts'

export interface Sifted {
  /** Whole lines, one after the other as they were. */
  readonly good: readonly Buffer[]
  readonly goodCount: number
  /** Each is one line or a part of one. */
  readonly bad: readonly Buffer[]
  /** Bytes after the last newline. */
  readonly rest: Buffer
}

/** Parts the bytes of a segment into runs of whole lines and lines that are none. */
export function sift(bytes: Buffer): Sifted {
  const good: Buffer[] = []
  const bad: Buffer[] = []
  let goodCount = 0
  let runStart = 0
  let start = 0
  const endRun = (end: number): void => {
    if (end > runStart) good.push(bytes.subarray(runStart, end))
  }
  for (let newline; (newline = bytes.indexOf(NEWLINE, start)) !== -1; start = newline + 1) {
    const line = bytes.subarray(start, newline + 1)
    if (isWhole(line)) {
      goodCount++
      continue
    }
    endRun(start)
    const whole = wholeEnd(line)
    if (whole) {
      good.push(whole)
      goodCount++
    }
    bad.push(line.subarray(0, line.length - (whole?.length ?? 0)))
    runStart = newline + 1
  }
  endRun(start)
  return { good, goodCount, bad, rest: bytes.subarray(start) }
}

/** A record that stands whole behind foreign bytes: their line feed was lost, its own was not. */
function wholeEnd(line: Buffer): Buffer | undefined {
  for (let tab = line.indexOf(TAB, CHECKSUM_BYTES + 1); tab !== -1; tab = line.indexOf(TAB, tab + 1)) {
    const end = line.subarray(tab - CHECKSUM_BYTES)
    if (isWhole(end)) return end
  }
  return undefined
}
