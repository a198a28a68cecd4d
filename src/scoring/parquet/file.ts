/**
 * A Parquet file → its columns, and the values of some rows. Refuses what is no Parquet or cut short, and pages that cannot be read.
 */
import { type FileHandle, open } from 'node:fs/promises'
import {
  type AsyncBuffer,
  type FileMetaData,
  parquetMetadataAsync,
  parquetRead,
  parquetSchema,
} from 'hyparquet'
import type { SchemaElement } from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { InputError } from '../layout.ts'

export interface ParquetColumn {
  readonly name: string
  readonly element: SchemaElement
  /** Whether it holds lists or structures. */
  readonly isNested: boolean
}

const MAGIC = 'PAR1'

export class ParquetFile {
  readonly columns: readonly ParquetColumn[]
  /** Where each of its groups of rows ends. */
  readonly groupEnds: readonly number[]
  readonly #handle: FileHandle
  readonly #file: AsyncBuffer
  readonly #metadata: FileMetaData

  private constructor(handle: FileHandle, file: AsyncBuffer, metadata: FileMetaData) {
    this.#handle = handle
    this.#file = file
    this.#metadata = metadata
    this.columns = parquetSchema(metadata).children.map(({ element, children }) => ({
      name: element.name,
      element,
      isNested: children.length > 0 || element.repetition_type === 'REPEATED',
    }))
    let rows = 0
    this.groupEnds = metadata.row_groups.map(({ num_rows }) => (rows += Number(num_rows)))
  }

  /** @throws InputError */
  static async open(path: string): Promise<ParquetFile> {
    const handle = await open(path)
    try {
      const { size } = await handle.stat()
      const file = bufferOf(handle, size)
      await expectMagic(file)
      return new ParquetFile(handle, file, await metadataOf(file))
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  get rowCount(): number {
    return this.groupEnds.at(-1) ?? 0
  }

  /**
   * Rows of values, in the order of `columns`.
   * @throws InputError
   */
  async read(rowStart: number, rowEnd: number): Promise<unknown[][]> {
    let rows: unknown[][] = []
    try {
      await parquetRead({
        file: this.#file,
        metadata: this.#metadata,
        columns: this.columns.map(({ name }) => name),
        rowStart,
        rowEnd,
        compressors,
        parsers: { stringFromBytes: textOf },
        useOffsetIndex: true,
        onComplete: (complete) => (rows = complete),
      })
    } catch (cause) {
      throw new InputError(
        `rows ${rowStart + 1} to ${rowEnd}: expected pages that can be read: ${(cause as Error).message}`,
        { cause },
      )
    }
    if (rows.length !== rowEnd - rowStart)
      throw new InputError(`rows ${rowStart + 1} to ${rowEnd}: expected as many, got ${rows.length}`)
    return rows
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** What a text is that is no UTF-8. */
export class OtherBytes {
  toJSON(): string {
    return 'bytes that are no UTF-8'
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Uint8Array | undefined): unknown {
  if (!bytes) return null
  try {
    return decoder.decode(bytes)
  } catch {
    return new OtherBytes()
  }
}

async function metadataOf(file: AsyncBuffer): Promise<FileMetaData> {
  try {
    return await parquetMetadataAsync(file)
  } catch (cause) {
    throw new InputError(
      `expected the metadata of a Parquet file at its end: ${(cause as Error).message}; is it complete?`,
      { cause },
    )
  }
}

async function expectMagic(file: AsyncBuffer): Promise<void> {
  const size = file.byteLength
  const at = async (start: number, end: number): Promise<string> =>
    Buffer.from(await file.slice(Math.max(0, start), Math.min(end, size))).toString('latin1')
  if ((await at(0, MAGIC.length)) !== MAGIC)
    throw new InputError(`expected a Parquet file that begins with ${MAGIC}, got other bytes`)
  if (size < 3 * MAGIC.length || (await at(size - MAGIC.length, size)) !== MAGIC)
    throw new InputError(`expected a Parquet file that ends with ${MAGIC}, got other bytes; is it complete?`)
}

function bufferOf(handle: FileHandle, byteLength: number): AsyncBuffer {
  return {
    byteLength,
    async slice(start, end = byteLength) {
      const bytes = new Uint8Array(Math.max(0, end - start))
      for (let length = 0; length < bytes.length;) {
        const { bytesRead } = await handle.read(bytes, length, bytes.length - length, start + length)
        if (bytesRead === 0) throw new Error(`the file ends before byte ${end}`)
        length += bytesRead
      }
      return bytes.buffer
    },
  }
}
