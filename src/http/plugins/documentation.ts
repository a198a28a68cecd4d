/**
 * The OpenAPI document, made from the routes' schemas and the inputs of the champion in service, and Swagger UI at /docs.
 */
import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance } from 'fastify'
import type { InputSchema } from '../../inputs/index.ts'
import { describeInputs, INTRODUCTION } from '../schemas/described-inputs.ts'
import { SECURITY_SCHEMES } from './access.ts'

/** @param inputsOf gives the inputs of the champion at the time of asking; null where there is none */
export async function serveDocumentation(
  app: FastifyInstance,
  version: string,
  inputsOf: () => InputSchema | null,
): Promise<void> {
  const described = <Document extends object>(document: Document): Document => {
    const inputs = inputsOf()
    return inputs ? describeInputs(document, inputs) : document
  }
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Day7',
        description: INTRODUCTION,
        version,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: { securitySchemes: SECURITY_SCHEMES },
      tags: [
        { name: 'predict', description: 'Revenue of one install or of many within the horizon.' },
        {
          name: 'protocols',
          description:
            'The same for clients of MLflow, SageMaker, KServe and Triton, as docs/protocols.md tells.',
        },
        {
          name: 'outcomes',
          description: 'The revenue that really came, and what the predictions were worth.',
        },
        { name: 'admin', description: 'What an operator changes at run time.' },
        { name: 'service', description: 'The model in service, the prediction log, health.' },
      ],
    },
    transformObject: (document) => described('openapiObject' in document ? document.openapiObject : {}),
    refResolver: {
      buildLocalReference: (json, _base, _fragment, index) => String(json['$id'] ?? `schema-${index}`),
    },
  })
  // What @fastify/swagger has made is kept, and the champion may be another one by now; this is given a copy.
  await app.register(swaggerUi, { routePrefix: '/docs', transformSpecification: described })
}
