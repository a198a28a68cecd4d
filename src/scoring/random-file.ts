/**
 * A file whose bytes are read at any place.
 */
import { open } from 'node:fs/promises'
import type { RandomBytes } from '../formats/index.ts'

export async function openRandomFile(path: string): Promise<RandomBytes & { close(): Promise<void> }> {
  const handle = await open(path)
  const { size: byteLength } = await handle.stat()
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
    close: () => handle.close(),
  }
}
