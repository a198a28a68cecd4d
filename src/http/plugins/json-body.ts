/**
 * Reads request bodies: UTF-8, and JSON. Both are checked: bytes that are no UTF-8 would otherwise become other texts than were
 * sent. Keys such as `__proto__` are keys like any other here; the schemas refuse unknown ones by name.
 */
import { isUtf8 } from 'node:buffer'
import type { FastifyInstance } from 'fastify'
import { IDEMPOTENCY_KEY } from '../schemas/idempotency.ts'

export function readJsonBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addHook('preParsing', ({ headers }, _reply, body, done) => {
    const coding = headers['content-encoding'] ?? 'identity'
    if (coding.toLowerCase() === 'identity') return done(null, body)
    const fault = new Error(`content-encoding: expected none, got ${coding}`)
    return done(Object.assign(fault, { statusCode: 415, code: 'ENCODING_UNSUPPORTED' }))
  })
  app.decorateRequest('sentBody', null)
  app.addContentTypeParser<Buffer>('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.headers[IDEMPOTENCY_KEY] !== undefined) request.sentBody = body
    // Many clients name a content type even where they send nothing.
    if (body.length === 0 && request.method === 'DELETE') return done(null)
    if (body.length === 0) return done(invalid('JSON, got nothing'))
    if (!isUtf8(body)) return done(invalid('UTF-8, got other bytes'))
    try {
      return done(null, JSON.parse(body.toString()))
    } catch (error) {
      return done(invalid(`JSON: ${(error as Error).message}`))
    }
  })
}

function invalid(expected: string): Error {
  return Object.assign(new Error(`body: expected ${expected}`), { statusCode: 400, code: 'BODY_INVALID' })
}
