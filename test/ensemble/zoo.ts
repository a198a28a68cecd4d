/**
 * Reads the zoo that zoo/make_zoo.py writes: models as text and as dump, rows, and LightGBM's own answers. A file is gzip of one
 * JSON document with arrays in base64.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'

export const COMMITTED_ZOO = 'test/fixtures/zoo'

export interface Specimen {
  readonly name: string
  /** model.txt */
  readonly text: string
  /** dump_model(), or null where JSON cannot hold the model */
  readonly dump: { readonly objective?: string } | null
  /** why there is no dump */
  readonly dumpRefused: string | null
  readonly featureNames: readonly string[]
  readonly treeCount: number
  readonly classCount: number
  /** with its parameters, as the text has it; '' for a custom one */
  readonly objective: string
  readonly linear: boolean
  /** row after row */
  readonly rows: Float64Array
  /** of all iterations first, then of some ranges */
  readonly answers: readonly Answers[]
}

/** LightGBM's answers for the first rows. */
export interface Answers {
  readonly startIteration: number
  readonly numIterations: number
  readonly rowCount: number
  readonly raw: Float64Array
  readonly output: Float64Array
  readonly leaves: Int32Array
  /** of fewer rows; null where LightGBM gives none */
  readonly contributions: Float64Array | null
}

/** As JSON holds it: arrays are base64. */
type Packed<T> = {
  [Key in keyof T]: T[Key] extends Float64Array | Int32Array | null ? string | Extract<T[Key], null> : T[Key]
}

export function zooFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.json.gz'))
    .sort()
    .map((file) => join(folder, file))
}

export function readSpecimen(file: string): Specimen {
  const packed = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Omit<
    Packed<Specimen>,
    'answers'
  > & {
    answers: Packed<Answers>[]
  }
  return { ...packed, rows: doubles(packed.rows), answers: packed.answers.map(readAnswers) }
}

export function rowOf(specimen: Specimen, index: number): Float64Array {
  const width = specimen.featureNames.length
  return specimen.rows.subarray(index * width, (index + 1) * width)
}

function readAnswers(packed: Packed<Answers>): Answers {
  return {
    ...packed,
    raw: doubles(packed.raw),
    output: doubles(packed.output),
    leaves: new Int32Array(bytes(packed.leaves)),
    contributions: packed.contributions === null ? null : doubles(packed.contributions),
  }
}

const doubles = (base64: string): Float64Array => new Float64Array(bytes(base64))

/** A buffer of its own, so that it is aligned. */
function bytes(base64: string): ArrayBuffer {
  return new Uint8Array(Buffer.from(base64, 'base64')).buffer
}
