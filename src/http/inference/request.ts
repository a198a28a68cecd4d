/**
 * The body of an inference request → its JSON, and the bytes of tensors that follow it.
 */
import { errorCodes, type FastifyRequest } from 'fastify'
import type { App } from '../context.ts'
import { expectPlainUtf8 } from '../plugins/body-encoding.ts'
import { parsePythonJson } from '../plugins/python-json.ts'
import { refusal } from '../input-refusals.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What follows the JSON of an inference request; null where its headers do not say that something does. */
    tensorBytes: Buffer | null
  }
}

/** Some clients name no type, and a type says nothing here that the header of the length does not. */
export function readTensorBodies(app: App): void {
  app.decorateRequest('tensorBytes', null)
  app.removeAllContentTypeParsers()
  app.addContentTypeParser<Buffer>(TYPES, { parseAs: 'buffer' }, (request, body, done) => {
    done(null, parsed(request, body))
  })
  app.addContentTypeParser<Buffer>('*', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.headers['content-type'] === undefined) done(null, parsed(request, body))
    else done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE())
  })
}

const TYPES = ['application/json', 'application/octet-stream']

/** @throws 400 or 415, which Fastify takes for what `done` is told */
function parsed(request: FastifyRequest, body: Buffer): unknown {
  expectPlainUtf8(request)
  const header = request.headers['inference-header-content-length']
  if (header === undefined) return parsePythonJson(body)
  const length = Number(header)
  if (!/^\d{1,15}$/.test(String(header)) || length > body.length)
    throw refusal(
      `Inference-Header-Content-Length: expected the number of bytes of the JSON, at most ${body.length}`,
    )
  request.tensorBytes = body.subarray(length)
  return parsePythonJson(body.subarray(0, length))
}
