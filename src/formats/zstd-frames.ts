/**
 * Zstandard as it arrives → the same bytes in parts that end where a frame does. Node's decompressor passes over what follows the end of
 * a frame in one part, and files of several frames are common: `zstd -T`, pzstd and `cat` write them. The format is RFC 8878.
 */
const MAGIC = 0xfd2fb528
const SKIPPABLE = 0x184d2a50
const MAGIC_BYTES = 4
const BLOCK_HEADER_BYTES = 3
const CHECKSUM_BYTES = 4
const DICTIONARY_ID_BYTES = [0, 1, 2, 4]
const CONTENT_SIZE_BYTES = [0, 2, 4, 8]
const RLE = 1

type State = 'frame' | 'skippable' | 'descriptor' | 'block'

export async function* splitAtFrames(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const frames = new Frames()
  for await (const chunk of chunks) {
    let start = 0
    for (const end of frames.endsIn(chunk)) {
      yield chunk.subarray(start, end)
      start = end
    }
    if (start < chunk.length) yield chunk.subarray(start)
  }
}

class Frames {
  #state: State = 'frame'
  /** Bytes of what the state reads, so far, and how many it takes. */
  #header: number[] = []
  #wanted = MAGIC_BYTES
  /** Bytes that are not looked at, and whether a frame ends behind them. */
  #skip = 0
  #isLast = false
  #hasChecksum = false

  #expect(state: State, bytes: number): void {
    this.#state = state
    this.#wanted = bytes
  }

  *endsIn(chunk: Uint8Array): Generator<number> {
    for (let at = 0; at < chunk.length;) {
      if (this.#skip > 0) {
        const some = Math.min(this.#skip, chunk.length - at)
        this.#skip -= some
        at += some
      } else {
        this.#header.push(chunk[at++]!)
        if (this.#header.length < this.#wanted) continue
        this.#read()
      }
      if (this.#skip === 0 && this.#isLast) {
        this.#isLast = false
        yield at
      }
    }
  }

  #read(): void {
    const number = this.#header.reduce((sum, byte, at) => sum + byte * 2 ** (8 * at), 0)
    this.#header = []
    switch (this.#state) {
      case 'frame': {
        const isFrame = number === MAGIC
        const isSkippable = number - (number % 16) === SKIPPABLE
        // What is neither is an error, which the decompressor tells.
        if (!isFrame && !isSkippable) this.#skip = Infinity
        return this.#expect(isFrame ? 'descriptor' : 'skippable', isFrame ? 1 : 4)
      }
      case 'skippable':
        this.#skip = number
        this.#isLast = true
        return this.#expect('frame', MAGIC_BYTES)
      case 'descriptor': {
        const isSingle = (number & 0x20) !== 0
        const sizeBytes = CONTENT_SIZE_BYTES[number >> 6]! || (isSingle ? 1 : 0)
        this.#skip = (isSingle ? 0 : 1) + DICTIONARY_ID_BYTES[number & 3]! + sizeBytes
        this.#hasChecksum = (number & 4) !== 0
        return this.#expect('block', BLOCK_HEADER_BYTES)
      }
      case 'block': {
        const type = (number >> 1) & 3
        this.#skip = type === RLE ? 1 : number >> 3
        if ((number & 1) === 0) return
        this.#isLast = true
        if (this.#hasChecksum) this.#skip += CHECKSUM_BYTES
        return this.#expect('frame', MAGIC_BYTES)
      }
    }
  }
}
