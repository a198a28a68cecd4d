/**
 * What a connection may cost: how many there are, how long they may take, how large a head may be, and whose word on the client's
 * address is taken. What is no HTTP is answered in the shape of all errors, and its connection closed: what follows on it could be
 * read in more than one way.
 */
import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'

export interface ConnectionLimits {
  readonly max: number
  readonly maxHeaderBytes: number
  readonly headersTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly stallTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

/** Node looks for requests that are late this often; so much later than their time they are cut. */
const checkIntervalMs = (headersTimeoutMs: number): number => Math.min(1_000, headersTimeoutMs / 2)

export function connectionOptions(
  {
    maxHeaderBytes,
    headersTimeoutMs,
    requestTimeoutMs,
    stallTimeoutMs,
    keepAliveTimeoutMs,
  }: ConnectionLimits,
  trustProxy: readonly string[] | number,
) {
  return {
    connectionTimeout: stallTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    requestTimeout: requestTimeoutMs,
    http: {
      maxHeaderSize: maxHeaderBytes,
      // Node refuses a head that may take longer than the whole.
      headersTimeout: Math.min(headersTimeoutMs, requestTimeoutMs),
      connectionsCheckingInterval: checkIntervalMs(headersTimeoutMs),
    },
    trustProxy: trusted(trustProxy),
    clientErrorHandler: answerBroken,
  }
}

export function limitConnections(app: FastifyInstance, { max }: ConnectionLimits): void {
  app.server.maxConnections = max
}

/** Fastify itself no longer counts proxies, since a client that comes past them can pretend to be as many. */
function trusted(trustProxy: readonly string[] | number): NonNullable<FastifyServerOptions['trustProxy']> {
  if (typeof trustProxy !== 'number') return trustProxy.length > 0 && [...trustProxy]
  return trustProxy > 0 && ((_address: string, hop: number) => hop < trustProxy)
}

const BROKEN = {
  status: 400,
  code: 'NOT_HTTP',
  message: 'expected a request in HTTP/1.1, got something else',
}
const FAULTS: Readonly<Record<string, typeof BROKEN>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'HEAD_TOO_LARGE',
    message: 'expected the head of a request to have at most MAX_HEADER_BYTES, got more',
  },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: {
    status: 413,
    code: 'CHUNK_EXTENSIONS_TOO_LARGE',
    message: 'expected chunks without long extensions, got others',
  },
  ERR_HTTP_REQUEST_TIMEOUT: {
    status: 408,
    code: 'REQUEST_TIMEOUT',
    message: 'expected the request to arrive in time, got a part of it',
  },
}

function answerBroken({ code = '' }: { code?: string }, socket: Socket): void {
  if (code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const { status, ...fault } = FAULTS[code] ?? BROKEN
  const error = STATUS_CODES[status]!
  const body = JSON.stringify({ statusCode: status, code: fault.code, error, message: fault.message })
  const head = [
    `HTTP/1.1 ${status} ${error}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  socket.destroySoon()
}
