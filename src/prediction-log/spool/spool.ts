/**
 * The spool: lines appended by requests → segment files → whoever ships them, oldest first.
 *
 * What is appended in one turn of the event loop, or while a write is under way, is one write; the promise that `append` gives
 * is kept when the lines are with the operating system, where the end of the process cannot reach them. Every `fsyncMs` they go
 * to the disk, where a loss of power cannot either. A write that fails leaves no part of itself behind, and none of its lines
 * is kept.
 */
import { writeSync } from 'node:fs'
import { type FileHandle, open, rename, unlink, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { LogLogger } from '../logger.ts'
import { reasonOf } from '../reason.ts'
import type { LoggedFields } from '../logged-fields.ts'
import { timeOf } from './line.ts'
import { LineBuffer, type Spooled } from './line-buffer.ts'
import { claim, type Owner, QUARANTINE } from './owner.ts'
import { SchemaDocuments } from './schema-documents.ts'
import { StrandedSegments, type StrandedStatus } from './stranded-segments.ts'

export interface SpoolOptions {
  readonly folder: string
  /** That no other process ever has. */
  readonly owner: string
  readonly maxBytes: number
  /** 0: before every answer. */
  readonly fsyncMs: number
  /** The inputs that are kept. */
  readonly fields: LoggedFields
  readonly logger: LogLogger
}

/** A file of the spool that is no longer written to. */
export interface Segment {
  readonly path: string
  readonly bytes: number
}

export interface SpoolStatus {
  readonly bytes: number
  readonly segments: number
  /** When the oldest line was made, in ms since 1970; null if there is none. */
  readonly oldestMs: number | null
  /** Why nothing could be written of late; null if the last write went well. */
  readonly error: string | null
  readonly stranded: StrandedStatus
}

export class SpoolError extends Error {
  readonly code: string
  override readonly name = 'SpoolError'

  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.code = (cause as NodeJS.ErrnoException | undefined)?.code ?? 'SPOOL_FULL'
  }
}

/** A segment that has grown to this is shipped as it is: some thousand lines. */
const SEGMENT_BYTES = 4 * 2 ** 20
/** A folder that could not be written to is tried again so much later; until then writes fail at once. */
const RETRY_MS = 1_000

interface File {
  readonly path: string
  readonly oldestMs: number
  bytes: number
  /** Null once nothing more is written to it and all of it is on the disk. */
  handle: FileHandle | null
  /** Has bytes that are not on the disk yet. */
  dirty: boolean
}

export class Spool {
  readonly #options: SpoolOptions
  readonly #timer: NodeJS.Timeout | undefined
  #owner: Promise<Owner> | undefined
  #brokenUntil = -Infinity
  #error: string | null = null
  readonly #stranded: StrandedSegments
  /** Oldest first; the last one may be the active one. */
  readonly #files: File[] = []
  #active: File | undefined
  readonly #gathered: LineBuffer
  readonly #documents: SchemaDocuments
  /** The write that records appended now will be part of. */
  #turn: Promise<void> | undefined
  /** Writes and changes of the active file, one after the other. */
  #queue: Promise<unknown> = Promise.resolve()
  #syncing: Promise<void> | undefined
  #folderDirty = false

  constructor(options: SpoolOptions) {
    this.#options = options
    this.#stranded = new StrandedSegments(options)
    this.#gathered = new LineBuffer(options.fields)
    this.#documents = new SchemaDocuments(options.folder, options.owner)
    if (options.fsyncMs > 0) this.#timer = setInterval(() => void this.sync(), options.fsyncMs).unref()
  }

  /** @returns the promise of all that are written together; rejected with a SpoolError if they cannot be kept */
  append(records: readonly Spooled[]): Promise<void> {
    for (const record of records) this.#gathered.append(record)
    return (this.#turn ??= new Promise((resolve) => setImmediate(resolve)).then(() =>
      this.#enqueue(() => this.#writeGathered()),
    ))
  }

  status(): SpoolStatus {
    const files = this.#files.filter((file) => file.bytes > 0)
    return {
      bytes: this.#bytes(),
      segments: files.length,
      oldestMs: files.length > 0 ? Math.min(...files.map((file) => file.oldestMs)) : null,
      error: this.#error,
      stranded: this.#stranded.status(),
    }
  }

  /** Takes over what processes that are gone have left. @returns how many segments */
  async adopt(): Promise<number> {
    const { adopted, stranded } = await (await this.#claim()).adopt()
    this.#stranded.see(stranded)
    this.#files.unshift(...adopted.map((left): File => ({ ...left, handle: null, dirty: false })))
    return adopted.length
  }

  /** All segments, oldest first; the active one is closed to writes. */
  async waiting(): Promise<Segment[]> {
    for (const empty of this.#files.filter((file) => file.bytes === 0 && file !== this.#active))
      await this.remove(empty)
    if (this.#active && this.#active.bytes > 0) await this.#enqueue(async () => (this.#active = undefined))
    return this.#files.filter((file) => file !== this.#active)
  }

  async remove({ path }: Segment): Promise<void> {
    await unlink(path)
    await this.#forget(path)
  }

  /** Keeps bytes that are no records in `quarantine/`; where there is no room for them, the whole segment goes there. */
  async quarantine(segment: Segment, bytes: readonly Uint8Array[]): Promise<void> {
    const written = await writeFile(quarantineOf(segment), bytes, { mode: 0o600 }).then(
      () => true,
      () => false,
    )
    return written ? this.remove(segment) : this.setAside(segment)
  }

  /** Moves the whole segment to `quarantine/`, if it is still there. */
  async setAside(segment: Segment): Promise<void> {
    await rename(segment.path, quarantineOf(segment)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
    await this.#forget(segment.path)
  }

  /** Brings what has been written to the disk. */
  async sync(): Promise<void> {
    return (this.#syncing ??= this.#sync()
      .catch((error: unknown) => this.#fail(error))
      .finally(() => (this.#syncing = undefined)))
  }

  /** What was appended is on the disk afterwards; what was not shipped is there for the next process. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    await this.#queue
    await this.#syncing // which may have begun before the last write
    await this.sync()
    for (const file of this.#files) await file.handle?.close()
    const owner = await this.#owner?.catch(() => undefined)
    owner?.release()
  }

  #enqueue<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(step)
    this.#queue = result.catch(() => {})
    return result
  }

  async #writeGathered(): Promise<void> {
    const bytes = this.#gathered.take()
    this.#turn = undefined
    if (this.#bytes() + bytes.length > this.#options.maxBytes)
      throw new SpoolError(
        `the spool is full: expected at most ${this.#options.maxBytes} bytes (LOG_SPOOL_MAX_BYTES)`,
      )
    if (performance.now() < this.#brokenUntil)
      throw new SpoolError(`the spool cannot be written to: ${this.#error}`)
    try {
      const file = (this.#active ??= await this.#create(bytes))
      await this.#documents.keep(this.#gathered.schemas)
      await this.#write(file, bytes)
      if (file.bytes >= SEGMENT_BYTES) this.#active = undefined
      this.#error = null
    } catch (cause) {
      this.#fail(cause)
      throw new SpoolError(`the spool cannot be written to: ${reasonOf(cause)}`, cause)
    }
    if (this.#options.fsyncMs === 0) await this.sync()
  }

  async #create(firstBytes: Buffer): Promise<File> {
    const path = (await this.#claim()).nextPath()
    const handle = await open(path, 'ax', 0o600)
    const file = { path, oldestMs: timeOf(firstBytes), bytes: 0, handle, dirty: false }
    this.#files.push(file)
    this.#folderDirty = true
    return file
  }

  /** Tried again after a failure. */
  #claim(): Promise<Owner> {
    return (this.#owner ??= claim(this.#options.folder, this.#options.owner).catch((error: unknown) => {
      this.#owner = undefined
      throw error
    }))
  }

  async #write(file: File, bytes: Buffer): Promise<void> {
    const handle = file.handle!
    try {
      // Not asynchronous: handing it to another thread and back costs more than the write, which ends in memory.
      for (let done = 0; done < bytes.length;)
        done += writeSync(handle.fd, bytes, done, bytes.length - done, null)
    } catch (error) {
      // The part that was written goes; if it cannot, the file is left, and its reader cuts the torn end.
      await handle.truncate(file.bytes).catch(() => (this.#active = undefined))
      throw error
    }
    file.bytes += bytes.length
    file.dirty = true
  }

  async #sync(): Promise<void> {
    if (this.#folderDirty) {
      this.#folderDirty = false
      const folder = await open(this.#options.folder)
      await folder.sync().finally(() => folder.close())
    }
    for (const file of this.#files.slice()) {
      if (file.dirty) {
        file.dirty = false
        // It may be shipped and removed meanwhile.
        await file.handle!.datasync().catch((error: unknown) => {
          if (this.#files.includes(file)) throw error
        })
      }
      if (file.dirty || file === this.#active || file.handle === null) continue
      await file.handle.close()
      file.handle = null
    }
  }

  async #forget(path: string): Promise<void> {
    const at = this.#files.findIndex((file) => file.path === path)
    const [file] = at === -1 ? [] : this.#files.splice(at, 1)
    await file?.handle?.close()
  }

  #bytes(): number {
    return this.#files.reduce((sum, file) => sum + file.bytes, 0)
  }

  /** The first failure is news; the following ones are the same news. */
  #fail(error: unknown): void {
    this.#brokenUntil = performance.now() + RETRY_MS
    if (this.#error === null)
      this.#options.logger.error(
        { err: error, folder: this.#options.folder },
        'prediction log: the spool cannot be written to',
      )
    this.#error = reasonOf(error)
  }
}

const quarantineOf = ({ path }: Segment): string => join(dirname(path), QUARANTINE, basename(path))
