/**
 * What only an operator may do, while nobody is asked who he is: it takes a caller on the same machine.
 *
 * The address alone does not tell. A page in a browser on this machine can call, too: with an `Origin`, or with a name of its own for
 * this address. And a proxy on this machine passes on what comes from elsewhere.
 */
import type { FastifyRequest } from 'fastify'

const LOCAL_ADDRESS = /^(::ffff:)?127\.|^::1$/
const LOCAL_HOST = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/i
/** Of what a proxy passes on, or a page in a browser asks for. */
const FOREIGN_HEADERS = ['origin', 'forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** @throws 403 */
export function expectLocal({ socket, headers }: FastifyRequest): void {
  const isLocal = LOCAL_ADDRESS.test(socket.remoteAddress ?? '') && LOCAL_HOST.test(headers.host ?? '')
  if (!isLocal || FOREIGN_HEADERS.some((name) => name in headers))
    throw Object.assign(new Error('expected a caller on the same machine, got one from elsewhere'), {
      statusCode: 403,
      code: 'NOT_LOCAL',
    })
}
