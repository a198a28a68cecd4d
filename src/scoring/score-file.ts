/**
 * A file of installs → the same rows with their predictions, in their order, and a list of those that have none. The file streams through
 * threads: what is in memory is a few pieces a thread, whatever the file's size.
 */
import type { Readable, Writable } from 'node:stream'
import type { BundleParts } from '../bundle/index.ts'
import { type Compression, InputError, type LeftOut, listNames, type NamedFormat } from '../formats/index.ts'
import { parseInputSchema } from '../inputs/index.ts'
import { FaultList } from './fault-list.ts'
import type { Layout, OutputFormat } from './layout.ts'
import { compressionOfName, openOutput, removeFile, streamOutput } from './output.ts'
import type { Fault, Scored } from './piece.ts'
import { ADDED_MEMBERS, addedColumns } from './predictor.ts'
import { openSource, type Source } from './source.ts'
import { ScoringThreads } from './threads.ts'
import { UnknownSum, type UnknownValue } from './unknown-values.ts'
import type { ToldColumn } from './told-columns.ts'

export interface ScoringPart {
  /** A path, or a stream where it is no Parquet. */
  readonly from: string | Readable
  readonly format: NamedFormat
  /** Columns that its path tells. */
  readonly told?: readonly ToldColumn[]
}

export interface ScoringOptions {
  /** One file or several parts, all of one format. */
  readonly input: readonly ScoringPart[]
  readonly output: {
    readonly to: string | Writable
    readonly format: OutputFormat
    readonly compression?: Compression | null
  }
  /** Where rows go that cannot be predicted: a file's path, or a stream. */
  readonly faults: string | Writable
  /** Of a verified bundle. */
  readonly parts: BundleParts
  readonly explain: boolean
  readonly threads: number
  /** Of this run and no other, for names of files that are not whole yet. */
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
    output: { to, format, compression = null },
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

  const several = input.length > 1
  const inputs = parseInputSchema(parts.inputs)
  const open = (part: ScoringPart): Promise<Source | null> =>
    openSource({
      ...part,
      told: part.told ?? [],
      output: format,
      mayBeEmpty: several,
      inputs,
      addedColumns: addedColumns(parts, explain),
      addedMembers: ADDED_MEMBERS,
    })
  // Several are looked at before anything is written. One may be a stream, which can be opened only once.
  let source: Source | null = input.length === 1 ? await unlessAborted(open(input[0]!)) : null
  const looks = source ? [lookOf(input[0]!, source)] : await unlessAborted(lookAt(input, open))
  const output = typeof to === 'string' ? await openOutput(to, id, compression) : streamOutput(to)
  // The list of an earlier run is not that of this one.
  if (typeof options.faults === 'string') await removeFile(options.faults)
  const faults = new FaultList(
    async () =>
      typeof options.faults === 'string'
        ? openOutput(options.faults, id, compressionOfName(options.faults))
        : streamOutput(options.faults),
    several,
  )
  const layouts = looks.map(({ layout }) => layout)
  const threads = new ScoringThreads(options.threads, { parts, layouts, explain })
  const spares: ArrayBuffer[] = []
  const waiting: { readonly part: number; readonly work: Promise<Scored> | Fault }[] = []
  const lines = looks.map(({ firstLine }) => firstLine)
  const unknown = new UnknownSum()
  let predicted = 0
  /** The part that is cut. */
  let part = 0

  const collect = async (): Promise<void> => {
    const next = waiting.shift()!
    const from = looks[next.part]!.part
    if ('error' in next.work) {
      await faults.add([next.work], lines[next.part]!++, nameOf(from))
      return
    }
    const scored = await next.work.catch((error: unknown) => {
      throw several ? inPart(from, error) : error
    })
    signal.throwIfAborted()
    await output.write(scored.output)
    await faults.add(scored.faults, lines[next.part]!, nameOf(from))
    lines[next.part]! += scored.lines
    predicted += scored.predicted
    unknown.add(scored.unknown)
    spares.push(scored.output.buffer)
    for (const buffer of scored.spares) source?.giveBack(buffer)
    options.onProgress({ rows: predicted + faults.count, share: shareDone(source!, part, looks.length) })
  }

  const cutPart = async (): Promise<void> => {
    const cuts = source!.cuts()[Symbol.asyncIterator]()
    for (;;) {
      const next = await unlessAborted(cuts.next()).catch((error: unknown) => {
        throw several ? inPart(looks[part]!.part, error) : error
      })
      if (next.done) return
      const cut = next.value
      const work =
        cut.kind === 'fault'
          ? cut.fault
          : threads.score({ part, piece: cut.piece, spare: spares.pop() ?? null })
      waiting.push({ part, work })
      if (waiting.length >= threads.count * PIECES_AT_ONCE) await collect()
    }
  }

  try {
    await output.write(looks[0]!.beginning)
    for (part = 0; part < looks.length; part++) {
      if (part > 0) await source?.close()
      if (part > 0 || source === null) source = await unlessAborted(open(looks[part]!.part))
      await cutPart()
    }
    part = looks.length - 1
    while (waiting.length > 0) await collect()
    await faults.finish()
    await output.finish()
    const leftOut = new Map(looks.flatMap((look) => look.leftOut.map((each) => [each.name, each] as const)))
    return { predicted, failed: faults.count, leftOut: [...leftOut.values()], unknown: unknown.values() }
  } finally {
    await threads.close()
    await source?.close()
    await output.discard()
    await faults.discard()
  }
}

/** What the beginning of a part tells. */
interface Look extends Pick<Source, 'layout' | 'beginning' | 'firstLine' | 'leftOut' | 'columns'> {
  readonly part: ScoringPart
}

const lookOf = (part: ScoringPart, source: Source): Look => ({
  part,
  layout: source.layout,
  beginning: source.beginning,
  firstLine: source.firstLine,
  leftOut: source.leftOut,
  columns: source.columns,
})

/** @returns those of the parts that have something in them @throws InputError where one is not like the first */
async function lookAt(
  input: readonly ScoringPart[],
  open: (part: ScoringPart) => Promise<Source | null>,
): Promise<Look[]> {
  const looks: Look[] = []
  for (const part of input) {
    const source = await open(part).catch((error: unknown) => {
      throw inPart(part, error)
    })
    await source?.close()
    if (source) looks.push(lookOf(part, source))
  }
  const [first] = looks
  if (!first) throw new InputError('expected rows, all of the files are empty')
  for (const look of looks) expectLike(first, look)
  return looks
}

/** @throws InputError */
function expectLike(first: Look, { part, columns, layout }: Look): void {
  const there = nameOf(first.part)
  if (columns.join('\0') !== first.columns.join('\0'))
    throw new InputError(
      `${nameOf(part)}: expected the columns of ${there}: ${listNames(first.columns)}; got ${listNames(columns)}`,
    )
  const [expected, actual] = [first.layout, layout].map(formOf)
  if (expected !== actual)
    throw new InputError(`${nameOf(part)}: expected ${expected} as in ${there}, got ${actual}`)
}

const formOf = (layout: Layout): string =>
  layout.format === 'csv'
    ? `${layout.csv.width} columns with ${JSON.stringify(layout.csv.separator.text)} between them`
    : layout.format

const nameOf = ({ from }: ScoringPart): string => (typeof from === 'string' ? from : 'the standard input')

const inPart = (part: ScoringPart, error: unknown): unknown =>
  error instanceof InputError
    ? new InputError(`${nameOf(part)}: ${error.message}`, undefined, { cause: error })
    : error

/** Parts count alike, whatever their sizes. */
function shareDone(source: Source, part: number, parts: number): number | null {
  const { done, total } = source.progress()
  if (total === null && parts === 1) return null
  return (part + (total === null || total === 0 ? 0 : done / total)) / parts
}
