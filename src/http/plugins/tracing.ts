/**
 * Each request → a span that says what was predicted for it. Without a collector nothing of this is there.
 */
import type { FastifyInstance, FastifyPluginCallback, FastifyRequest } from 'fastify'

export interface RequestTracing {
  /** Begins and ends the span of a request. */
  readonly plugin: FastifyPluginCallback
  annotate(request: FastifyRequest, attributes: Readonly<Record<string, string | number>>): void
  /** Null for a request without a trace. */
  traceIdOf(request: FastifyRequest): string | null
}

/** Before any other hook, and before the routes. */
export async function traceRequests(app: FastifyInstance, tracing: RequestTracing): Promise<void> {
  await app.register(tracing.plugin)
  app.addHook('onSend', (request, _reply, payload, done) => {
    tracing.annotate(request, attributesOf(request))
    done(null, payload)
  })
}

function attributesOf({ id, predictions, caller, failure }: FastifyRequest): Record<string, string | number> {
  const first = predictions?.[0]
  return {
    'day7.request.id': id,
    ...(caller && { 'day7.caller': caller.name }),
    ...(failure && { 'day7.error.code': failure }),
    ...(first && {
      'day7.prediction.id': first.predictionId,
      'day7.predictions': predictions!.length,
      'day7.model.version': first.modelVersion,
      'day7.model.variant': first.variant,
    }),
  }
}
