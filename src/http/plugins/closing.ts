/**
 * How a connection ends whose client is still sending what nobody will read: it is answered and half closed at once, and what still
 * comes is thrown away for a moment. To close it there and then would make the client's kernel say "reset", and most clients would
 * never see the answer.
 */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyReply, FastifyRequest } from 'fastify'

/** What is left of a body is read and forgotten up to this; a new connection would cost more. */
const SMALL_BYTES = 64 * 1024
const LINGER_MS = 1_000
/** Then the rest is left in the client's hands. */
const LINGER_BYTES = 16 * 2 ** 20
const LOOK_EVERY_MS = 50

/**
 * Before an error is sent: the connection stays open if the request has been read, or is small; and is closed otherwise.
 * @returns whether it stays open
 */
export function settleConnection({ raw }: FastifyRequest, reply: FastifyReply): boolean {
  if (!reply.raw.shouldKeepAlive) {
    reply.header('connection', 'close')
    return false
  }
  if (raw.complete || lengthOf(raw) <= SMALL_BYTES) {
    // Fastify closes after every body that it could not parse; only while the service stops it should.
    if (reply.hasHeader('connection') && reply.server.server.listening) reply.removeHeader('connection')
    return true
  }
  reply.header('connection', 'close')
  const { socket } = raw
  socket.destroySoon = () => closeLingering(socket)
  return false
}

export function closeLingering(socket: Socket): void {
  if (lingering.has(socket)) return
  lingering.add(socket)
  const enough = socket.bytesRead + LINGER_BYTES
  const untilMs = performance.now() + LINGER_MS
  socket.end()
  const timer = setInterval(() => {
    if (performance.now() >= untilMs) socket.destroy()
    else if (socket.bytesRead >= enough) socket.pause()
  }, LOOK_EVERY_MS)
  socket.once('close', () => clearInterval(timer))
}

const lingering = new WeakSet<Socket>()

export const isClosing = (socket: Socket): boolean => lingering.has(socket)

function lengthOf({ headers }: IncomingMessage): number {
  // Who asked whether to send it may leave it out.
  if (headers['transfer-encoding'] !== undefined || headers.expect !== undefined) return Infinity
  return Number(headers['content-length'] ?? 0)
}
