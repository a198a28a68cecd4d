/**
 * A client of `POST /batch_predict` that reads answers while it sends.
 */
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

export const NDJSON = 'application/x-ndjson'

export interface Stream {
  readonly request: ClientRequest
  /** The status and headers; then the lines. */
  readonly response: Promise<IncomingMessage>
  send(text: string | Buffer): void
  /** The next line as JSON; null where there is none any more. */
  next(): Promise<any>
  /** All the others. */
  rest(): Promise<any[]>
}

export function openStream(url: string, contentType = NDJSON, headers: Record<string, string> = {}): Stream {
  const sending = request(`${url}/batch_predict`, {
    method: 'POST',
    headers: { 'content-type': contentType, ...headers },
  })
  sending.on('error', () => {}) // the answer tells
  sending.flushHeaders()
  const response = once(sending, 'response').then(([message]) => message as IncomingMessage)
  response.catch(() => {})
  const lines = response.then((message) => createInterface(message)[Symbol.asyncIterator]())
  lines.catch(() => {})
  const next = async () => {
    const { value, done } = await (await lines).next()
    return done ? null : JSON.parse(value)
  }
  return {
    request: sending,
    response,
    send: (text) => void sending.write(text),
    next,
    async rest() {
      const all = []
      for (let line; (line = await next()) !== null;) all.push(line)
      return all
    },
  }
}

/** Sends all of it, taking the answers meanwhile. */
export async function answersTo(
  url: string,
  body: string | Buffer | Iterable<string | Buffer>,
  contentType?: string,
  headers?: Record<string, string>,
) {
  const stream = openStream(url, contentType, headers)
  const parts = typeof body === 'string' || Buffer.isBuffer(body) ? [body] : body
  const sent = pipeline(Readable.from(parts), stream.request).catch(() => {})
  const { statusCode } = await stream.response
  const lines = await stream.rest()
  await sent
  return { statusCode, lines }
}
