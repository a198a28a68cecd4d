/**
 * A request whose body is a stream of installs → its reply. What is wrong before the first answer is answered as everywhere, with a
 * status; later only the last line can say it.
 */
import { Readable } from 'node:stream'
import { errorCodes, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { InputSchema } from '../../inputs/index.ts'
import { type AppContext, servingOf } from '../context.ts'
import { expectPlainUtf8 } from '../plugins/body-encoding.ts'
import { answerStream } from './answers.ts'
import { CsvRows } from './csv.ts'
import { Interruptions } from './interruption.ts'
import { NdjsonRows, type RowReader } from './rows.ts'
import { Turns } from './turns.ts'

export const NDJSON = 'application/x-ndjson'
export const CSV = 'text/csv'

const READERS: Readonly<Record<string, (limitBytes: number, inputs: InputSchema) => RowReader>> = {
  [NDJSON]: (limitBytes) => new NdjsonRows(limitBytes),
  [CSV]: (limitBytes, inputs) => new CsvRows(limitBytes, inputs),
}

/** What a client that was told that it ends may still be sending is taken for so long: cut at once, it might not read why. */
const LINGER_MS = 1_000

/** Bodies of these types are left unread for routes that take streams; for all others they are no type at all. */
export function readStreams(app: FastifyInstance): void {
  app.addContentTypeParser(Object.keys(READERS), (request, payload, done) => {
    if (!request.routeOptions.config.streams) return done(new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE())
    expectPlainUtf8(request)
    return done(null, payload)
  })
}

export type StreamReply = (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>

export function streamReplies(app: FastifyInstance, context: AppContext): StreamReply {
  const interruptions = new Interruptions(app)
  const turns = new Turns()
  return async (request, reply) => {
    const serving = servingOf(context)
    const { lineBytes, idleMs } = context.streams
    const answers = answerStream({
      context,
      serving,
      turns,
      body: request.body as Readable,
      reader: READERS[request.mediaType!]!(lineBytes, serving.inputs),
      intake: app.intakes.of(serving),
      interruption: interruptions.watch(request, reply, idleMs),
      log: request.log,
    })
    const first = await answers.next().catch((error: unknown) => {
      // The rest of the body is not read.
      reply.header('connection', 'close')
      throw error
    })
    closeWhatIsLeft(request, reply)
    // Proxies that would collect the answers first are asked not to.
    reply.type(NDJSON).header('x-accel-buffering', 'no')
    return reply.send(Readable.from(after(first.value!, answers)))
  }
}

async function* after(first: string, rest: AsyncGenerator<string>): AsyncGenerator<string> {
  yield first
  yield* rest
}

/** An answer may end before its request does; its connection is good for nothing then. */
function closeWhatIsLeft({ raw: request }: FastifyRequest, { raw: reply }: FastifyReply): void {
  reply.once('finish', () => {
    if (request.complete) return
    request.resume()
    setTimeout(() => request.destroy(), LINGER_MS).unref()
  })
}
