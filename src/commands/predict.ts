/**
 * `predict`: a file of installs, or several → the same rows with their predictions. Exit codes: 0 all rows, 3 some rows could not be predicted, 130
 * and 143 broken off by a signal; then, and where it fails, no output is left behind.
 */
import { randomUUID } from 'node:crypto'
import { stat } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { resolve, sep } from 'node:path'
import type { BundleParts } from '../bundle/index.ts'
import type { Config } from '../config/index.ts'
import type { findParts, Part, ScoringSummary } from '../scoring/index.ts'
import { unknownInWords, type UnknownReport, unknownReports } from './unknown-values.ts'
import { number, ProgressLine } from './progress.ts'
import { argumentsOf, type Option, required, UsageError } from './usage.ts'

export const PREDICT_OPTIONS: readonly Option[] = [
  {
    name: 'out',
    value: 'FILE',
    about:
      'where to write: .csv or .ndjson, compressed with .gz or .zst behind it; left out or -: standard output',
  },
  {
    name: 'errors',
    value: 'FILE',
    about:
      'CSV of the rows that cannot be predicted, with line and reason; left out: OUT.errors.csv, or standard error. ' +
      'That of an earlier run is removed',
  },
  { name: 'explain', about: 'add why: what each input field contributes to the raw score' },
  {
    name: 'model',
    value: 'DIR',
    about: 'folder of the bundle; left out: MODEL_DIR, and else the one that ships',
  },
  { name: 'format', value: 'csv|ndjson|parquet', about: 'of FILE, where its name does not tell' },
  { name: 'threads', value: 'N', about: 'threads that score; left out: one a core' },
  { name: 'json', about: 'print what was done as JSON, with --out' },
]

/** In place of a file's name. */
const STDIN = '-'
const STDOUT = '-'
const SOME_FAILED = 3
/** A code of exit is 128 and the signal's number, by custom. */
const SIGNAL_CODES = { SIGINT: 130, SIGTERM: 143 } as const
const SIGNALS = ['SIGINT', 'SIGTERM'] as const
const MOST_THREADS = 256
/** More threads do not help a file of fewer bytes. */
const BYTES_A_THREAD = 1 << 19

export async function predict(args: readonly string[], config: () => Config): Promise<number> {
  const { values, flags, positionals } = argumentsOf('predict', args, PREDICT_OPTIONS, 1)
  const input = required('predict', positionals[0], 'a file of installs')
  const out = values['out'] === undefined || values['out'] === STDOUT ? null : values['out']
  const isJson = flags.has('json')
  const [{ formatsOf, outputFormat }, { findParts, scoreFile }] = await Promise.all([
    import('./predict-formats.ts'),
    import('../scoring/index.ts'),
  ])
  if (isJson && out === null) throw new UsageError('predict: expected --out FILE with --json')
  const found = await filesOf(input, findParts)
  const formats = formatsOf(found, values['format'])
  const format = formats[0]!
  if (input === STDIN && format.format === 'parquet')
    throw new UsageError('predict: expected a file, since its metadata is at its end, got standard input')
  const output = outputFormat(format, out)
  const errors = values['errors'] ?? (out === null ? null : `${out}.errors.csv`)
  const most = threadsOf(values['threads'])
  await expectApart(input, found, out, errors)
  const size = found.reduce((sum, { bytes }) => sum + bytes, 0)
  const threads = Math.max(1, Math.min(most, Math.ceil(size / BYTES_A_THREAD)))
  // Only this command waits for them.
  const [{ verifyBundle }, { InputError }] = await Promise.all([
    import('../bundle/index.ts'),
    import('../formats/index.ts'),
  ])
  const parts = await verifyBundle(values['model'] ?? config().modelDir)

  const startMs = performance.now()
  const line =
    out !== null && process.stderr.isTTY ? new ProgressLine(process.stderr, () => performance.now()) : null
  const interruption = new Interruption()
  let summary: ScoringSummary
  try {
    summary = await scoreFile({
      input: found.map(({ path, told }, at) => ({
        from: path === STDIN ? process.stdin : path,
        format: formats[at]!,
        told,
      })),
      output: { to: out ?? process.stdout, ...output },
      faults: errors ?? process.stderr,
      parts,
      explain: flags.has('explain'),
      threads,
      id: randomUUID(),
      signal: interruption.signal,
      onProgress: (progress) => line?.show(progress),
    })
  } catch (error) {
    if (interruption.code !== null) return interruption.code
    // Nobody reads any more: `| head`, for instance.
    if ((error as NodeJS.ErrnoException).code === 'EPIPE') return 0
    if (!(error instanceof InputError)) throw error
    // Where there are several, it says which.
    const where = found.length === 1 ? `${found[0]!.path}: ` : ''
    throw new Error(where + error.message, { cause: error })
  } finally {
    interruption.end()
    line?.clear()
  }
  for (const { name, why } of summary.leftOut)
    console.error(`warning: column ${name} is left out: ${why} cannot be written`)
  const done = reportOf({ input, out, errors, threads }, parts, summary, (performance.now() - startMs) / 1000)
  if (isJson) console.log(JSON.stringify(done))
  else {
    if (out !== null || summary.failed > 0) console.error(inWords(done))
    for (const sentence of unknownInWords(done.unknown, done.predicted)) console.error(sentence)
  }
  return summary.failed > 0 ? SOME_FAILED : 0
}

/** Ctrl-C, and what asks a process to end: the first breaks the work off in order, the second one ends it at once. */
class Interruption {
  /** Of exit; null as long as nothing has come. */
  code: number | null = null
  readonly #controller = new AbortController()
  readonly #abort = (signal: keyof typeof SIGNAL_CODES): void => {
    this.code = SIGNAL_CODES[signal]
    this.#controller.abort()
  }

  constructor() {
    for (const signal of SIGNALS) process.once(signal, this.#abort)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.#abort)
  }
}

interface Report {
  readonly input: string
  readonly output: string | null
  /** Null where no row failed. */
  readonly errors: string | null
  readonly rows: number
  readonly predicted: number
  readonly failed: number
  readonly seconds: number
  readonly rows_per_second: number
  readonly threads: number
  readonly model: { readonly name: string; readonly version: string }
  /** Values that the model does not know. */
  readonly unknown: readonly UnknownReport[]
}

function reportOf(
  {
    input,
    out,
    errors,
    threads,
  }: { input: string; out: string | null; errors: string | null; threads: number },
  { manifest, inputs }: BundleParts,
  { predicted, failed, unknown }: ScoringSummary,
  seconds: number,
): Report {
  const rows = predicted + failed
  return {
    input,
    output: out,
    errors: failed > 0 ? errors : null,
    rows,
    predicted,
    failed,
    seconds: Number(seconds.toFixed(3)),
    rows_per_second: Math.round(rows / seconds),
    threads,
    model: { name: manifest.name, version: manifest.version },
    unknown: unknownReports(unknown, inputs),
  }
}

function inWords({
  output,
  errors,
  rows,
  predicted,
  failed,
  seconds,
  rows_per_second,
  model,
}: Report): string {
  const done = `${number(predicted)} of ${number(rows)} rows predicted by ${model.name} ${model.version} in ${seconds.toFixed(1)} s, ${number(rows_per_second)} rows/s`
  const where = output === null ? '' : `: ${output}`
  const wrong =
    failed === 0
      ? ''
      : `\n${number(failed)} could not be predicted${errors === null ? '' : `; ${errors} says why`}`
  return `${done}${where}${wrong}`
}

function threadsOf(text: string | undefined): number {
  if (text === undefined) return availableParallelism()
  const threads = Number(text)
  if (/^\d+$/.test(text) && threads >= 1 && threads <= MOST_THREADS) return threads
  throw new UsageError(
    `predict: expected --threads to be a whole number from 1 to ${MOST_THREADS}, got "${text}"`,
  )
}

/** @throws UsageError where there are none */
async function filesOf(input: string, find: typeof findParts): Promise<readonly Part[]> {
  if (input === STDIN) return [{ path: STDIN, told: [], bytes: Infinity }]
  try {
    return await find(input)
  } catch (error) {
    if ((error as { readonly code?: unknown }).code !== 'INPUT_INVALID') throw error
    throw new UsageError(`predict: ${(error as Error).message}`)
  }
}

/** @throws UsageError if two of the files are one */
async function expectApart(
  input: string,
  parts: readonly Part[],
  out: string | null,
  errors: string | null,
): Promise<void> {
  const inputs = input === STDIN ? [] : await Promise.all(parts.map(({ path }) => stat(path)))
  for (const [option, path] of [
    ['--out', out],
    ['--errors', errors],
  ] as const) {
    if (path === null) continue
    const there = await stat(path).catch(() => null)
    if (there?.isFile() && inputs.some(({ ino, dev }) => there.ino === ino && there.dev === dev))
      throw new UsageError(`predict: expected ${option} to be another file than the input, got ${path}`)
    // The next run would take it for a part.
    if (parts[0]!.path !== input && resolve(path).startsWith(`${resolve(input)}${sep}`))
      throw new UsageError(`predict: expected ${option} outside of the folder ${input}, got ${path}`)
  }
  if (out !== null && errors !== null && resolve(out) === resolve(errors))
    throw new UsageError(`predict: expected --errors to be another file than --out, got ${errors}`)
}
