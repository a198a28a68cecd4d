/**
 * Compressed bytes as they come → plain ones as they are wanted, in flat memory. A stream that was cut short is refused.
 */
import { Readable } from 'node:stream'
import { constants, createGunzip, createZstdDecompress } from 'node:zlib'
import { InputError } from './errors.ts'
import { startsWith } from './signatures.ts'
import { splitAtFrames } from './zstd-frames.ts'

export type Compression = 'gzip' | 'zstd'

const KINDS = {
  gzip: { called: 'gzip', magic: [0x1f, 0x8b], open: () => createGunzip() },
  zstd: {
    called: 'Zstandard',
    magic: [0x28, 0xb5, 0x2f, 0xfd],
    // Frames with larger windows are none that common programs write; 128 MiB is what they take without being asked.
    open: () => createZstdDecompress({ params: { [constants.ZSTD_d_windowLogMax]: 27 } }),
  },
} as const

/** @throws InputError where the bytes are not so compressed, or end too early */
export async function* decompress(
  chunks: AsyncIterable<Uint8Array>,
  compression: Compression,
): AsyncGenerator<Uint8Array> {
  const { called, magic, open } = KINDS[compression]
  const plain = open()
  const whole = checked(chunks, magic, called)
  const parts = compression === 'zstd' ? splitAtFrames(whole) : whole
  const source = Readable.from(parts, { objectMode: true })
  // A fault of the source is the fault of the whole; nothing else would end the decompressor then.
  source.once('error', (error) => plain.destroy(error))
  source.pipe(plain)
  try {
    for await (const chunk of plain) yield chunk as Uint8Array
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    if (cause instanceof InputError || !/^(Z_|ZSTD_|ERR_ZSTD)/.test(code ?? '')) throw cause
    const isCut = code === 'Z_BUF_ERROR'
    throw new InputError(
      isCut
        ? `expected ${called} up to its end, got a part; is it complete?`
        : `expected ${called} that can be read: ${message}`,
      undefined,
      { cause },
    )
  } finally {
    source.destroy()
    plain.destroy()
  }
}

async function* checked(
  chunks: AsyncIterable<Uint8Array>,
  magic: readonly number[],
  called: string,
): AsyncGenerator<Uint8Array> {
  let beginning: Uint8Array | null = new Uint8Array(0)
  for await (const chunk of chunks) {
    if (beginning === null) {
      yield chunk
      continue
    }
    beginning = Buffer.concat([beginning, chunk])
    if (beginning.length < magic.length) continue
    if (!startsWith(beginning, magic)) throw notCompressed(called)
    yield beginning
    beginning = null
  }
  if (beginning !== null) throw notCompressed(called)
}

const notCompressed = (called: string): InputError =>
  new InputError(`expected ${called}, got other bytes; name the file by what it is`)
