/**
 * What stands in the headers about how a body is written. Text is UTF-8 and comes as it is: nothing here unpacks or converts it.
 */
import type { FastifyRequest } from 'fastify'

/** @throws 415 where the headers say otherwise */
export function expectPlainUtf8({ headers }: FastifyRequest): void {
  const { 'content-type': type = '', 'content-encoding': encoding = 'identity' } = headers
  if (encoding !== 'identity') throw unsupported(`content-encoding: expected none, got ${encoding}`)
  const charset = /;\s*charset\s*=\s*"?([^";\s]*)/i.exec(type)?.[1] ?? 'utf-8'
  if (!/^utf-?8$/i.test(charset)) throw unsupported(`charset: expected utf-8, got ${charset}`)
}

function unsupported(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 415, code: 'BODY_UNSUPPORTED' })
}
