/**
 * A file of installs → the same rows with their predictions, in their order, and a list of those that have none. The file streams through
 * threads: what is in memory is a few pieces a thread, whatever the file's size.
 */
import type { Readable, Writable } from 'node:stream'
import type { BundleParts } from '../bundle/index.ts'
import type { LeftOut, NamedFormat } from '../formats/index.ts'
import { parseInputSchema } from '../inputs/index.ts'
import { FaultList } from './fault-list.ts'
import type { OutputFormat } from './layout.ts'
import { openOutput, streamOutput } from './output.ts'
import type { Fault, Scored } from './piece.ts'
import { ADDED_MEMBERS, addedColumns } from './predictor.ts'
import { openSource } from './source.ts'
import { ScoringThreads } from './threads.ts'
import { UnknownSum, type UnknownValue } from './unknown-values.ts'

export interface ScoringOptions {
  /** A path, or a stream where it is no Parquet. */
  readonly input: { readonly from: string | Readable; readonly format: NamedFormat }
  readonly output: { readonly to: string | Writable; readonly format: OutputFormat }
  /** Where rows go that cannot be predicted: a file's path, or a stream. */
  readonly faults: string | Writable
  /** Of a verified bundle. */
  readonly parts: BundleParts
  readonly explain: boolean
  readonly threads: number
  /** Of this process, for names of files that are not whole yet. */
  readonly id: string
  readonly signal: AbortSignal
  readonly onProgress: (progress: ScoringProgress) => void
}

export interface ScoringProgress {
  readonly rows: number
  /** Of the input, 0 to 1; null where its size is not known. */
  readonly share: number | null
}

export interface ScoringSummary {
  readonly predicted: number
  readonly failed: number
  /** Columns of the input that the output has not, each with the reason. */
  readonly leftOut: readonly LeftOut[]
  /** Values that the model does not know, of the rows that were predicted; the most frequent first. */
  readonly unknown: readonly UnknownValue[]
}

/** So many pieces a thread are on their way: one that it scores, one that waits for it, and one that waits to be written. */
const PIECES_AT_ONCE = 3

/**
 * @throws InputError where the file as a whole cannot be scored, the signal's reason where it is aborted, and what the disk says; then no
 * output is left behind
 */
export async function scoreFile(options: ScoringOptions): Promise<ScoringSummary> {
  const {
    input,
    output: { to, format },
    parts,
    explain,
    signal,
    id,
  } = options
  const aborted = new Promise<never>((_, reject) =>
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true }),
  )
  aborted.catch(() => {})
  // A read may wait for ever, of a pipe for instance.
  const unlessAborted = <T>(work: Promise<T>): Promise<T> => Promise.race([work, aborted])

  const opening = openSource({
    ...input,
    output: format,
    inputs: parseInputSchema(parts.inputs),
    addedColumns: addedColumns(parts, explain),
    addedMembers: ADDED_MEMBERS,
  })
  const source = await unlessAborted(opening)
  const output = typeof to === 'string' ? await openOutput(to, id) : streamOutput(to)
  const faults = new FaultList(async () =>
    typeof options.faults === 'string' ? openOutput(options.faults, id) : streamOutput(options.faults),
  )
  const threads = new ScoringThreads(options.threads, { parts, layout: source.layout, explain })
  const spares: ArrayBuffer[] = []
  const waiting: (Promise<Scored> | Fault)[] = []
  let line = source.firstLine
  const unknown = new UnknownSum()
  let predicted = 0

  const collect = async (): Promise<void> => {
    const next = waiting.shift()!
    if ('error' in next) {
      await faults.add([next], line++)
      return
    }
    const scored = await next
    signal.throwIfAborted()
    await output.write(scored.output)
    await faults.add(scored.faults, line)
    line += scored.lines
    predicted += scored.predicted
    unknown.add(scored.unknown)
    spares.push(scored.output.buffer)
    for (const buffer of scored.spares) source.giveBack(buffer)
    const { done, total } = source.progress()
    options.onProgress({ rows: predicted + faults.count, share: total === null ? null : done / total })
  }

  const cuts = source.cuts()[Symbol.asyncIterator]()
  try {
    await output.write(source.beginning)
    for (;;) {
      const { value: cut, done } = await unlessAborted(cuts.next())
      if (done) break
      waiting.push(
        cut.kind === 'fault' ? cut.fault : threads.score({ piece: cut.piece, spare: spares.pop() ?? null }),
      )
      if (waiting.length >= threads.count * PIECES_AT_ONCE) await collect()
    }
    while (waiting.length > 0) await collect()
    await faults.finish()
    await output.finish()
    return { predicted, failed: faults.count, leftOut: source.leftOut, unknown: unknown.values() }
  } finally {
    await threads.close()
    await source.close()
    await output.discard()
    await faults.discard()
  }
}
