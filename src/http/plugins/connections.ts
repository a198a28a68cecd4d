/**
 * What a connection may cost: how many there are, how long they may take, how large a head may be, and whose word on the client's
 * address is taken. What is no HTTP is answered in the shape of all errors, and its connection closed: what follows on it could be
 * read in more than one way.
 */
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyServerOptions } from 'fastify'
import { closeLingering, isClosing } from './closing.ts'

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
      requireHostHeader: false, // answered below, in the shape of all errors
    },
    trustProxy: trusted(trustProxy),
    clientErrorHandler: answerBroken,
  }
}

/** Also refuses what Node's parser lets through and a proxy before the service may read in another way. */
export function limitConnections(
  app: FastifyInstance,
  { max }: ConnectionLimits,
  bodyLimitBytes: number,
): void {
  app.server.maxConnections = max
  answerHalfClosed(app)
  // A connection that cannot be taken, for want of a file descriptor, is an event without which the process would end.
  app.addHook('onListen', async () => {
    app.server.on('error', (error) => app.log.error({ err: error }, 'a connection cannot be taken'))
  })
  waitForThoseBefore(app)
  inviteBodies(app, bodyLimitBytes)
  app.addHook('onRequest', (request, reply, done) => {
    const fault = faultOf(request.raw)
    if (fault === null) return done()
    reply.raw.shouldKeepAlive = false // what follows could be read in more than one way
    done(Object.assign(new Error(fault), { statusCode: 400, code: BROKEN.code }))
  })
}

/**
 * A client that has sent all may close its side and wait for the answer; by default Node closes the other side at once, and what is
 * answered later is lost. So a client that has left is only told from it when the answer cannot be sent.
 */
function answerHalfClosed({ server }: FastifyInstance): void {
  // Of Node, and in no types.
  Object.assign(server, { httpAllowHalfOpen: true })
}

/**
 * Requests that come on a connection before the last one is answered wait for their predecessors: the answers of all that fit into one
 * packet would be held in memory for a client that reads none of them.
 */
function waitForThoseBefore(app: FastifyInstance): void {
  app.addHook('onRequest', (_request, { raw }, done) => {
    if (raw.socket) done()
    else raw.once('socket', () => process.nextTick(done))
  })
}

/** A client that asks whether it may send its body is told so when somebody is about to read it, and not before. */
function inviteBodies(app: FastifyInstance, bodyLimitBytes: number): void {
  const asking = new WeakSet<IncomingMessage>()
  app.server.on('checkContinue', (request, response) => {
    asking.add(request)
    app.server.emit('request', request, response)
  })
  app.addHook('preParsing', (request, reply, payload, done) => {
    const { raw } = request
    if (asking.has(raw) && !(Number(raw.headers['content-length']) > bodyLimitBytes))
      reply.raw.writeContinue()
    done(null, payload)
  })
}

function faultOf({ httpVersion, headers, rawHeaders }: IncomingMessage): string | null {
  if (httpVersion !== '1.1' && httpVersion !== '1.0') return `expected HTTP/1.1, got ${httpVersion}`
  const coding = headers['transfer-encoding']
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || httpVersion === '1.0'))
    return 'expected a body in chunks, in HTTP/1.1, or of a given length, got another transfer-encoding'
  const hosts = countHosts(rawHeaders)
  // RFC 9112, 3.2
  if (hosts > 1 || (hosts === 0 && httpVersion === '1.1')) return `expected one Host header, got ${hosts}`
  return null
}

/** Of several, Node drops all but the first. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2)
    if (rawHeaders[i]!.length === 4 && rawHeaders[i]!.toLowerCase() === 'host') count++
  return count
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

function answerBroken(
  error: { code?: string },
  socket: Socket & { _httpMessage?: ServerResponse | null },
): void {
  if (isClosing(socket)) return // what follows on a connection that is being closed
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  // Those that came before it on the same connection are answered first.
  // oxlint-disable-next-line no-underscore-dangle -- Node's name for the answer that is being made; it has no other
  const before = socket._httpMessage
  if (before && (before.req.complete || before.headersSent))
    return void before.once('close', () => answerBroken(error, socket))
  const { status, ...fault } = FAULTS[error.code ?? ''] ?? BROKEN
  const reason = STATUS_CODES[status]!
  const body = JSON.stringify({ statusCode: status, code: fault.code, error: reason, message: fault.message })
  const head = [
    `HTTP/1.1 ${status} ${reason}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body}`)
  closeLingering(socket)
}
