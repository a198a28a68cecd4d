/**
 * A Parquet file → its columns, and the values of some rows as they are stored. Refuses what is no Parquet or cut short, a name that
 * two columns have, and pages that cannot be read.
 */
import { type FileMetaData, parquetMetadataAsync, parquetRead, parquetSchema } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { listNames, repeatedIn } from '../columns.ts'
import { InputError } from '../errors.ts'
import { type Form, formOf, isReadAsStored, meaningOf } from './form.ts'

export interface ParquetColumn {
  readonly name: string
  readonly form: Form
  /** The storage type and what is said of it, for messages. */
  readonly type: string
}

/** A column that cannot be written again. */
export interface LeftOut {
  readonly name: string
  readonly why: string
}

/** Bytes that are read at any place, such as a file. */
export interface RandomBytes {
  readonly byteLength: number
  slice(start: number, end?: number): Promise<ArrayBuffer> | ArrayBuffer
}

const MAGIC = 'PAR1'

export class ParquetFile {
  /** Those that can be read, in the file's order. */
  readonly columns: readonly ParquetColumn[]
  readonly leftOut: readonly LeftOut[]
  /** Where each of its groups of rows ends. */
  readonly groupEnds: readonly number[]
  readonly #bytes: RandomBytes
  readonly #metadata: FileMetaData

  private constructor(bytes: RandomBytes, metadata: FileMetaData) {
    this.#bytes = bytes
    this.#metadata = metadata
    const { children } = parquetSchema(metadata)
    expectEachOnce(children.map(({ element }) => element.name))
    const columns: ParquetColumn[] = []
    const leftOut: LeftOut[] = []
    for (const child of children) {
      const { element } = child
      const form = formOf(child)
      const type = typeof form !== 'string' && form.of === 'nested' ? NESTED : typeOf(element)
      if (typeof form === 'string') leftOut.push({ name: element.name, why: form })
      else columns.push({ name: element.name, form, type })
      if (typeof form === 'string' || !isReadAsStored(form)) continue
      delete element.logical_type
      delete element.converted_type
    }
    this.columns = columns
    this.leftOut = leftOut
    let rows = 0
    this.groupEnds = metadata.row_groups.map(({ num_rows }) => (rows += Number(num_rows)))
  }

  /** @throws InputError */
  static async open(bytes: RandomBytes): Promise<ParquetFile> {
    await expectMagic(bytes)
    return new ParquetFile(bytes, await metadataOf(bytes))
  }

  get rowCount(): number {
    return this.groupEnds.at(-1) ?? 0
  }

  /**
   * Rows of values, in the order of `columns`.
   * @throws InputError
   */
  async read(rowStart: number, rowEnd: number): Promise<unknown[][]> {
    const rows = `rows ${rowStart + 1} to ${rowEnd}`
    let read: unknown[][] = []
    try {
      await parquetRead({
        file: this.#bytes,
        metadata: this.#metadata,
        columns: this.columns.map(({ name }) => name),
        rowStart,
        rowEnd,
        compressors,
        // Bytes of which nothing is said stay bytes.
        utf8: false,
        geoparquet: false,
        parsers: { stringFromBytes: textOf, timestampFromNanoseconds: (nanoseconds) => nanoseconds },
        useOffsetIndex: true,
        onComplete: (complete) => (read = complete),
      })
    } catch (cause) {
      throw new InputError(
        `${rows}: expected pages that can be read: ${(cause as Error).message}`,
        undefined,
        {
          cause,
        },
      )
    }
    if (read.length !== rowEnd - rowStart)
      throw new InputError(`${rows}: expected as many, got ${read.length}`)
    return read
  }
}

const NESTED = 'lists or structures'

function typeOf(element: Parameters<typeof meaningOf>[0]): string {
  return [element.type, meaningOf(element)].filter(Boolean).join(' ')
}

function expectEachOnce(names: readonly string[]): void {
  const twice = repeatedIn(names)
  if (twice !== undefined)
    throw new InputError(`expected every column once, got ${listNames([twice])} twice; rename one of them`)
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes that are no UTF-8 stay what they are, and a field says so. */
function textOf(bytes: Uint8Array | undefined): unknown {
  if (!bytes) return null
  try {
    return decoder.decode(bytes)
  } catch {
    return bytes
  }
}

async function metadataOf(bytes: RandomBytes): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(bytes, { geoparquet: false })
  } catch (cause) {
    throw new InputError(
      `expected the metadata of a Parquet file at its end: ${(cause as Error).message}; is it complete?`,
      undefined,
      { cause },
    )
  }
}

async function expectMagic(bytes: RandomBytes): Promise<void> {
  const size = bytes.byteLength
  const at = async (start: number, end: number): Promise<string> =>
    Buffer.from(await bytes.slice(Math.max(0, start), Math.min(end, size))).toString('latin1')
  if ((await at(0, MAGIC.length)) !== MAGIC)
    throw new InputError(`expected a Parquet file that begins with ${MAGIC}, got other bytes`)
  if (size < 3 * MAGIC.length || (await at(size - MAGIC.length, size)) !== MAGIC)
    throw new InputError(`expected a Parquet file that ends with ${MAGIC}, got other bytes; is it complete?`)
}
