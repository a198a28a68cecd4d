/**
 * One segment of the spool → rows: its whole lines are streamed to where they are kept, checked on the way. What else it holds,
 * and what is refused there, is handed back.
 */
import { createReadStream } from 'node:fs'
import { NEWLINE } from './spool/line.ts'
import { sift } from './spool/sift.ts'

export interface Shipment {
  /** Records that were kept, or had been before. */
  readonly count: number
  /** Of the records, those that were left out because their users were erased. */
  readonly erased: number
  /** Bytes that are no records, and records that were refused. */
  readonly bad: readonly Uint8Array[]
  /** Of the bad, the records that were refused, and why. */
  readonly refusals: readonly string[]
  /** Bytes of a line that was never finished: its prediction was not answered. */
  readonly tornBytes: number
  /** What went wrong beside the records, and kept none of them from being stored. */
  readonly notes: readonly string[]
}

/** Code of the error when the segment itself cannot be read, whether it is gone or its disk is damaged. */
export const UNREADABLE = 'SEGMENT_UNREADABLE'

export interface Keeper {
  /** Keeps all of the lines, or throws and keeps none; keeping them twice changes nothing. */
  keep(lines: AsyncIterable<Buffer>): Promise<void>
  /** True if the error may lie in the lines: the same ones would fail again. */
  refuses(error: unknown): boolean
  /** Tries a plain record of the time of each. @throws Error if that is refused, too: the fault is not the lines' */
  tryPlain(lines: readonly Buffer[]): Promise<void>
}

const CHUNK_BYTES = 256 * 1024
/** Longer than any record can be: one of 2,000 texts of 10,000 characters, each of them escaped, is half as long. */
const MAX_LINE_BYTES = 256 * 2 ** 20

export async function shipSegment(path: string, keeper: Keeper): Promise<Omit<Shipment, 'erased' | 'notes'>> {
  const scan: Scan = { count: 0, bad: [], tornBytes: 0 }
  try {
    await keeper.keep(wholeLines(path, scan))
    return { ...scan, refusals: [] }
  } catch (error) {
    if (!keeper.refuses(error)) throw error
  }
  const again: Scan = { count: 0, bad: [], tornBytes: 0 }
  const lines: Buffer[] = []
  for await (const chunk of wholeLines(path, again)) lines.push(...splitLines(chunk))
  // Thousands of attempts follow, which say nothing of the lines where nothing at all is taken.
  await keeper.tryPlain([lines.at(0), lines.at(-1)].filter((line) => line !== undefined))
  const refused = await keepHalves(lines, keeper)
  return {
    count: lines.length - refused.length,
    bad: [...again.bad, ...refused.map(({ line }) => line)],
    refusals: refused.map(({ reason }) => reason),
    tornBytes: again.tornBytes,
  }
}

interface Scan {
  count: number
  readonly bad: Buffer[]
  tornBytes: number
}

/** The whole lines of a file, some at a time; what else it holds is noted in the scan. */
async function* wholeLines(path: string, scan: Scan): AsyncGenerator<Buffer> {
  // Of a line whose end has not come yet.
  let parts: Buffer[] = []
  let length = 0
  const begin = (rest: Buffer): void => void ([parts, length] = [rest.length > 0 ? [rest] : [], rest.length])
  for await (const chunk of chunksOf(path)) {
    parts.push(chunk)
    length += chunk.length
    if (chunk.includes(NEWLINE)) {
      const sifted = sift(Buffer.concat(parts, length))
      yield* sifted.good
      scan.count += sifted.goodCount
      // Copies: a part would keep its whole chunk in memory.
      scan.bad.push(...sifted.bad.map((part) => Buffer.from(part)))
      begin(Buffer.from(sifted.rest))
    }
    if (length <= MAX_LINE_BYTES) continue
    scan.bad.push(...parts)
    begin(Buffer.alloc(0))
  }
  scan.tornBytes = length
}

async function* chunksOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>
  } catch (cause) {
    throw Object.assign(new Error(`cannot read ${path}`, { cause }), { code: UNREADABLE })
  }
}

interface Refusal {
  readonly line: Buffer
  readonly reason: string
}

/** Lines that are refused together are halved until the ones at fault stand alone. */
async function keepHalves(lines: readonly Buffer[], keeper: Keeper): Promise<Refusal[]> {
  try {
    await keeper.keep(each(lines))
    return []
  } catch (error) {
    if (!keeper.refuses(error)) throw error
    if (lines.length === 1) return [{ line: lines[0]!, reason: (error as Error).message }]
    const half = lines.length >>> 1
    return [
      ...(await keepHalves(lines.slice(0, half), keeper)),
      ...(await keepHalves(lines.slice(half), keeper)),
    ]
  }
}

async function* each<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values
}

function splitLines(lines: Buffer): Buffer[] {
  const split: Buffer[] = []
  for (let start = 0, end; (end = lines.indexOf('\n', start)) !== -1; start = end + 1)
    split.push(Buffer.from(lines.subarray(start, end + 1)))
  return split
}
