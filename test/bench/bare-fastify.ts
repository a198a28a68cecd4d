/**
 * What a backend engineer would write first: a Fastify application that validates an install by the same schema and answers with as many bytes as
 * `/predict`, and predicts nothing. Prints its address as the service does.
 */
import Fastify from 'fastify'
import { Type } from 'typebox'
import { v7 as uuidv7 } from 'uuid'
import { installSchemaOf } from '../../src/http/schemas/install.ts'
import { PredictAnswer } from '../../src/http/schemas/predict.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'

const ANSWER = JSON.parse(process.env['ANSWER']!) as object

const app = Fastify({
  // Words of the OpenAPI document.
  ajv: { customOptions: { strict: false } },
})
const schema = {
  body: installSchemaOf(NINE_FIELDS),
  response: { 200: Type.Omit(PredictAnswer, ['explanation']) },
}
app.post('/predict', { schema }, () => ({ ...ANSWER, prediction_id: uuidv7() }))
app.get('/health', () => ({ prediction_log: { state: 'off', spool_bytes: 0 } }))
console.log(`Server listening at ${await app.listen({ port: 0, host: '127.0.0.1' })}`)
