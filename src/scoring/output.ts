/**
 * Where rows are written: a file that appears under its name when it is whole, a file that is none (a pipe, a device), or a stream such as
 * the standard output. What is broken off leaves nothing behind.
 */
import { once } from 'node:events'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { createGzip, createZstdCompress } from 'node:zlib'
import type { Compression } from '../formats/index.ts'

export interface Output {
  write(bytes: Uint8Array): Promise<void>
  /** All is written. */
  finish(): Promise<void>
  /** Nothing is left of it; after `finish` this does nothing. */
  discard(): Promise<void>
}

/**
 * @param id of this run and no other, for the name of a file that is not whole yet: what a run that was killed left is in nobody's way
 * @param compression of what is written
 */
export async function openOutput(
  path: string,
  id: string,
  compression: Compression | null = null,
): Promise<Output> {
  const output = await openPlainOutput(path, id)
  return compression === null ? output : compressedOutput(output, compression)
}

/** What the ending of a name says, whatever is before it. */
export function compressionOfName(path: string): Compression | null {
  if (/\.gz$/i.test(path)) return 'gzip'
  return /\.zst$/i.test(path) ? 'zstd' : null
}

/** A pipe or a device stays. */
export async function removeFile(path: string): Promise<void> {
  const there = await stat(path).catch(() => null)
  if (there?.isFile()) await rm(path, { force: true })
}

function compressedOutput(output: Output, compression: Compression): Output {
  const compressor = compression === 'gzip' ? createGzip() : createZstdCompress()
  const passOn = async (): Promise<void> => {
    for await (const bytes of compressor) await output.write(bytes as Uint8Array)
  }
  const passed = passOn()
  // It may fail before anybody waits for it.
  passed.catch(() => {})
  compressor.on('error', () => {})
  return {
    async write(bytes) {
      // A copy: the buffer is used again. Where passing on has failed, nothing drains any more.
      if (!compressor.write(Uint8Array.from(bytes))) await Promise.race([once(compressor, 'drain'), passed])
    },
    async finish() {
      compressor.end()
      await passed
      await output.finish()
    },
    async discard() {
      compressor.destroy()
      await passed.catch(() => {})
      await output.discard()
    },
  }
}

async function openPlainOutput(path: string, id: string): Promise<Output> {
  const there = await stat(path).catch(() => null)
  if (there?.isDirectory()) throw new Error(`expected a file to write to, got the folder ${path}`)
  if (there && !there.isFile()) return directOutput(await open(path, 'w'), path)
  // A link stays one: what it points to is replaced.
  const target = there ? await realpath(path) : path
  const temporary = join(dirname(target), `.${basename(target)}.${id}.partial`)
  return fileOutput(await open(temporary, 'wx'), temporary, target)
}

function fileOutput(handle: FileHandle, temporary: string, target: string): Output {
  let isOpen = true
  const close = async (): Promise<void> => {
    isOpen = false
    await handle.close()
  }
  return {
    write: (bytes) => writeAll(handle, bytes, target),
    async finish() {
      await close()
      await rename(temporary, target)
    },
    async discard() {
      if (!isOpen) return
      await close().catch(() => {})
      await rm(temporary, { force: true })
    },
  }
}

function directOutput(handle: FileHandle, path: string): Output {
  return {
    write: (bytes) => writeAll(handle, bytes, path),
    finish: () => handle.close(),
    discard: () => handle.close().catch(() => {}),
  }
}

/** @throws what the stream fails with, EPIPE for instance where nobody reads any more */
export function streamOutput(stream: Writable): Output {
  let failure: Error | null = null
  const remember = (error: Error): void => void (failure = error)
  stream.on('error', remember)
  return {
    async write(bytes) {
      if (failure) throw failure
      // A copy: the buffer is used again, and the stream may keep what it is given.
      if (!stream.write(Uint8Array.from(bytes))) await once(stream, 'drain')
    },
    async finish() {
      await new Promise<void>((resolve, reject) =>
        stream.write('', (error) => (error ? reject(error) : resolve())),
      )
      stream.off('error', remember)
    },
    async discard() {},
  }
}

/** @throws what the disk says, with the path and its code */
async function writeAll(handle: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  try {
    for (let at = 0; at < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, at, bytes.length - at)
      at += bytesWritten
    }
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException
    throw Object.assign(new Error(`${path}: ${message}`, { cause }), { code })
  }
}
