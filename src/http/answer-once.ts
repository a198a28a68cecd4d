/**
 * What a route makes → what is logged and sent: the answer itself, or, for a request with an Idempotency-Key, the one that was
 * first made for it, byte for byte and with the ids under which it was logged.
 */
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PredictionRecord } from '../prediction-log/index.ts'
import type { InputSchema } from '../inputs/index.ts'
import type { AppContext } from './context.ts'
import { IDEMPOTENCY_KEY, REPLAYED } from './schemas/idempotency.ts'

export interface Made<Body> {
  readonly body: Body
  /** In the log before the answer is sent. */
  readonly records: readonly PredictionRecord[]
  /** What is to be done when they are; not for an answer that was made before. */
  follow(): void
}

/**
 * A handler of a route with `IdempotencyHeaders`.
 * @param make has no effects: what it makes may be dropped
 */
export function answerOnce<Request extends FastifyRequest, Body extends Record<string, unknown>>(
  context: AppContext,
  make: (request: Request) => Made<Body> | Promise<Made<Body>>,
): (request: Request, reply: FastifyReply) => Promise<Body> {
  return async (request, reply) => {
    const key = request.headers[IDEMPOTENCY_KEY]
    if (key !== undefined) return answerFirst(context, key as string, request, reply, () => make(request))
    const making = make(request)
    // Most are made at once, and a turn of the event loop is longer than to make one.
    const { body, records, follow } = making instanceof Promise ? await making : making
    if (records.length > 0) await context.predictionLog.append(records)
    follow()
    return body
  }
}

/** The first answer's records are appended again: its process may have been killed before it did. The log keeps one of each. */
async function answerFirst<Body extends Record<string, unknown>>(
  context: AppContext,
  key: string,
  request: FastifyRequest,
  reply: FastifyReply,
  make: () => Made<Body> | Promise<Made<Body>>,
): Promise<Body> {
  const { caller, url } = request
  const sent = { caller: caller?.name ?? null, key, url, body: sentBody(request, context) }
  const serialize = serializerOf(reply)
  let made: ({ text: string } & Pick<Made<Body>, 'records' | 'follow'>) | undefined
  const first = await context.firstAnswers.settle(sent, async () => {
    const { body, records, follow } = await make()
    made = { text: serialize(body), records, follow }
    return JSON.stringify({ text: made.text, records: records.map(keptRecord) } satisfies Kept)
  })
  const { text, records } = first.isReplay ? readKept(first.text, request.server.intakes) : made!
  if (records.length > 0) await context.predictionLog.append(records)
  if (first.isReplay) void reply.header(REPLAYED, 'true')
  else made!.follow()
  void reply.type('application/json')
  return text as unknown as Body // a string is sent as it is
}

/** Of a route whose answers are JSON, or may be. */
function serializerOf(reply: FastifyReply): (body: unknown) => string {
  const serialize =
    reply.getSerializationFunction('200', 'application/json') ?? reply.getSerializationFunction('200')
  return serialize as (body: unknown) => string
}

/** @throws 413 if the answer would be too large to be kept, 415 if the body is not JSON */
function sentBody({ sentBody }: FastifyRequest, { idempotencyMaxBytes }: AppContext): Uint8Array {
  if (sentBody === null)
    throw Object.assign(new Error('idempotency-key: expected only with a body of application/json'), {
      statusCode: 415,
      code: 'IDEMPOTENCY_KEY_NOT_SUPPORTED',
    })
  if (sentBody.length > idempotencyMaxBytes)
    throw Object.assign(
      new Error(
        `body: expected at most ${idempotencyMaxBytes} bytes with an idempotency-key (IDEMPOTENCY_MAX_BYTES), got ${sentBody.length}; send it in parts, or without a key`,
      ),
      { statusCode: 413, code: 'IDEMPOTENCY_BODY_TOO_LARGE' },
    )
  return sentBody
}

interface Kept {
  /** The answer as it was sent. */
  readonly text: string
  readonly records: readonly KeptRecord[]
}

/** With the id of its inputs. */
type KeptRecord = Omit<PredictionRecord, 'inputs'> & { readonly inputs: string }

function keptRecord(record: PredictionRecord): KeptRecord {
  return { ...record, inputs: record.inputs.id }
}

/** Those of models whose inputs this process does not know any more are left out: whoever answered first has logged them. */
function readKept(json: string, schemas: { schemaOf(id: string): InputSchema | null }) {
  const { text, records } = JSON.parse(json) as Kept
  return {
    text,
    records: records.flatMap((record): PredictionRecord[] => {
      const inputs = schemas.schemaOf(record.inputs)
      return inputs ? [{ ...record, inputs, time: new Date(record.time) }] : []
    }),
  }
}
