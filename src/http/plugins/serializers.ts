/**
 * Serializers of answers, one for each schema. Fastify builds one for each status of each route, and most of them are of errors, which all
 * look the same: that took a quarter of a second of each start.
 */
import { SerializerSelector } from '@fastify/fast-json-stringify-compiler'
import type { FastifyServerOptions } from 'fastify'

type CompilersFactory = NonNullable<NonNullable<FastifyServerOptions['schemaController']>['compilersFactory']>

export function sharedSerializers(): CompilersFactory {
  const factory = SerializerSelector()
  const built = new Map<string, ReturnType<ReturnType<typeof factory>>>()
  return {
    buildSerializer(externalSchemas, options) {
      const build = factory(externalSchemas, options)
      const referable = JSON.stringify(externalSchemas)
      return (route) => {
        // What a description says changes nothing in how an answer is written.
        const key = JSON.stringify({ ...(route.schema as object), description: undefined }) + referable
        let serialize = built.get(key)
        if (!serialize) built.set(key, (serialize = build(route)))
        return serialize
      }
    },
  }
}
