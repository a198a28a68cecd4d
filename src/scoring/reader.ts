/**
 * A file, or a stream such as the standard input → bytes, as many as there are at a time.
 */
import { type FileHandle, open } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { type Compression, decompress } from '../formats/index.ts'

export interface Reader {
  /** Null where nobody knows. */
  readonly size: number | null
  /** Writes at most `length` bytes to `into` at `offset`. @returns how many; 0 at the end */
  read(into: Uint8Array, offset: number, length: number): Promise<number>
  close(): Promise<void>
}

/** @param compression of the file; its size says nothing about what is read then */
export async function openReader(from: string | Readable, compression: Compression | null): Promise<Reader> {
  if (compression === null)
    return typeof from === 'string' ? fileReader(await open(from)) : chunkReader(from, () => from.destroy())
  const stream = typeof from === 'string' ? (await open(from)).createReadStream() : from
  return chunkReader(decompress(stream, compression), () => stream.destroy())
}

async function fileReader(file: FileHandle): Promise<Reader> {
  const found = await file.stat()
  return {
    size: found.isFile() ? found.size : null,
    async read(into, offset, length) {
      const { bytesRead } = await file.read(into, offset, length, null)
      return bytesRead
    },
    close: () => file.close(),
  }
}

function chunkReader(source: AsyncIterable<Uint8Array>, close: () => void): Reader {
  const chunks = source[Symbol.asyncIterator]()
  let rest: Uint8Array = new Uint8Array(0)
  return {
    size: null,
    async read(into, offset, length) {
      while (rest.length === 0) {
        const next = await chunks.next()
        if (next.done) return 0
        rest = next.value
      }
      const some = rest.subarray(0, length)
      into.set(some, offset)
      rest = rest.subarray(some.length)
      return some.length
    },
    async close() {
      close()
    },
  }
}
