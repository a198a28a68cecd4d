/**
 * An answer of the server whose headers are there → JSON, bytes or a stream, never more than was allowed for and never silently less
 * than content-length says. Refuses what is too large before reading it where the length is given, in the stream otherwise.
 */
import { type Readable, Transform, type TransformCallback } from 'node:stream'
import type { Dispatcher } from 'undici'
import { MlflowError } from './errors.ts'
import { faultInBody, faultOfAnswer, shown } from './fault.ts'
import { Fields } from './fields.ts'

export interface Download {
  /** The bytes as they come. Read it or destroy it: until then it holds a connection. */
  readonly body: Readable
  /** As the server says. */
  readonly contentLength: number | null
  readonly contentType: string | null
}

/** Of an answer that is no success, read to find its reason. */
const ERROR_BYTES = 65_536

export class Answer {
  readonly call: string
  readonly status: number
  readonly #data: Dispatcher.ResponseData
  readonly #signal: AbortSignal
  readonly #redact: (text: string) => string

  /** @param signal why the body may end early: its reason is what readers of the body get */
  constructor(
    call: string,
    data: Dispatcher.ResponseData,
    signal: AbortSignal,
    redact: (text: string) => string,
  ) {
    this.call = call
    this.status = data.statusCode
    this.#data = data
    this.#signal = signal
    this.#redact = redact
  }

  header(name: string): string | null {
    const value = this.#data.headers[name]
    return (Array.isArray(value) ? value[0] : value) ?? null
  }

  /** @throws MlflowError MLFLOW_UNEXPECTED_ANSWER and those of `bytes` */
  async json(maxBytes: number): Promise<Fields> {
    const text = await this.text(maxBytes)
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch (error) {
      throw this.unexpected('JSON', text, error)
    }
    return new Fields(value, this.call)
  }

  async text(maxBytes: number): Promise<string> {
    return (await this.bytes(maxBytes)).toString('utf8')
  }

  /** @throws MlflowError MLFLOW_ANSWER_TOO_LARGE, MLFLOW_TRUNCATED, MLFLOW_TIMEOUT */
  async bytes(maxBytes: number): Promise<Buffer> {
    const chunks: Buffer[] = []
    for await (const chunk of this.download(maxBytes).body) chunks.push(chunk as Buffer)
    return Buffer.concat(chunks)
  }

  /** @throws MlflowError MLFLOW_ANSWER_TOO_LARGE; the stream fails with it too, and with MLFLOW_TRUNCATED, MLFLOW_TIMEOUT */
  download(maxBytes: number): Download {
    const length = this.header('content-length')
    const contentLength = length === null ? null : Number(length)
    const { body } = this.#data
    if (contentLength !== null && contentLength > maxBytes) {
      body.on('error', () => {}).destroy()
      throw this.#tooLarge(maxBytes, `content-length ${contentLength}`)
    }
    const meter = new Meter((bytes, isAll) => {
      if (bytes > maxBytes) return this.#tooLarge(maxBytes, 'more')
      return isAll && contentLength !== null && bytes !== contentLength
        ? this.#truncated(contentLength, bytes)
        : null
    })
    body.once('error', (error) => meter.destroy(this.#faultOf(error)))
    meter.once('close', () => void body.destroy())
    // Without it, a download that nobody has begun to read would end the process when it fails.
    meter.on('error', () => {})
    return { body: body.pipe(meter), contentLength, contentType: this.header('content-type') }
  }

  /** Why it is no success. Reads the beginning of the body. */
  async fault(): Promise<MlflowError> {
    let text = ''
    try {
      for await (const chunk of this.#data.body) if ((text += String(chunk)).length > ERROR_BYTES) break
    } catch {
      // what came tells enough
    }
    const location = this.header('location')
    const redirect = this.status < 400 && location !== null ? this.#redact(location) : undefined
    return faultOfAnswer(this.call, this.status, this.#redact(text), redirect)
  }

  /** Reads the body for nobody, so that the connection can be used again. */
  async discard(): Promise<void> {
    await this.#data.body.dump()
  }

  unexpected(expected: string, got: string, cause?: unknown): MlflowError {
    const type = this.header('content-type') ?? 'no content-type'
    return MlflowError.of(
      'MLFLOW_UNEXPECTED_ANSWER',
      `${this.call}: expected ${expected}, got ${this.status} (${type}): ${this.#redact(shown(got))}`,
      { status: this.status, cause },
    )
  }

  #faultOf(error: Error): Error {
    if (this.#signal.aborted) return this.#signal.reason as Error
    return faultInBody(this.call, this.status, error)
  }

  #tooLarge(maxBytes: number, got: string): MlflowError {
    return MlflowError.of(
      'MLFLOW_ANSWER_TOO_LARGE',
      `${this.call}: expected at most ${maxBytes} bytes, got ${got}`,
      { status: this.status },
    )
  }

  #truncated(expected: number, got: number): MlflowError {
    return MlflowError.of('MLFLOW_TRUNCATED', `${this.call}: expected ${expected} bytes, got ${got}`, {
      status: this.status,
    })
  }
}

/** Passes on what comes until `check` finds a fault in how much it was. */
class Meter extends Transform {
  readonly #check: (bytes: number, isAll: boolean) => Error | null
  #bytes = 0

  constructor(check: (bytes: number, isAll: boolean) => Error | null) {
    super()
    this.#check = check
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: TransformCallback): void {
    this.#bytes += chunk.length
    const fault = this.#check(this.#bytes, false)
    if (fault) done(fault)
    else done(null, chunk)
  }

  override _flush(done: TransformCallback): void {
    done(this.#check(this.#bytes, true))
  }
}
