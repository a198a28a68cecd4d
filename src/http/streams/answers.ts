/**
 * A stream of rows → a stream of answers, one line for each row, in their order, while they arrive. Rows are predicted and logged in
 * slices; a slice is in the log before its answers leave, and the next one is read when its answers are taken. The last line is a
 * summary, or says why there are no more answers: a stream without either was cut.
 */
import type { Readable } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyBaseLogger, FastifyError } from 'fastify'
import type { Serving } from '../../rollout/index.ts'
import type { AppContext } from '../context.ts'
import { failureOf } from '../plugins/failures.ts'
import { roundTo6 } from '../../bundle/index.ts'
import type { Intake } from '../intake.ts'
import { type Answered, isChampion, keep, modelOf, predictOneOf } from '../prediction.ts'
import { type Interruption, StreamError } from './interruption.ts'
import type { Row, RowReader } from './rows.ts'
import type { Turns } from './turns.ts'

/** Some two milliseconds, which is what a request that came meanwhile waits. */
const ROWS_A_SLICE = 100
/** How often the log is asked whether it has room again. */
const ROOM_EVERY_MS = 50

export interface StreamOptions {
  readonly context: AppContext
  readonly serving: Serving
  readonly body: Readable
  readonly reader: RowReader
  readonly intake: Intake
  readonly interruption: Interruption
  readonly turns: Turns
  readonly log: FastifyBaseLogger
}

/** @throws what is wrong with the request as a whole, before the first answer; later failures are the last line */
export async function* answerStream(options: StreamOptions): AsyncGenerator<string> {
  const { context, serving, log } = options
  const counts = { lines: 0, predictions: 0, inferenceTimeUs: 0 }
  try {
    for await (const rows of slicesOf(options)) {
      await options.turns.take()
      await room(options)
      yield await answerSlice(options, rows, counts)
    }
  } catch (error) {
    if (counts.lines === 0) throw error
    return yield lineOf({ failure: failureOf(error as FastifyError, log) })
  }
  if (counts.lines === 0)
    throw Object.assign(new Error('body: expected at least one line, got nothing'), {
      statusCode: 400,
      code: 'BODY_INVALID',
    })
  yield lineOf({
    summary: {
      lines: counts.lines,
      predictions: counts.predictions,
      errors: counts.lines - counts.predictions,
      inference_time_ms: roundTo6(counts.inferenceTimeUs / 1000),
      timestamp: context.now().toISOString(),
      model: modelOf(serving.champion),
    },
  })
}

/** Rows as they are complete: never more than a slice, and fewer where no more have arrived. */
async function* slicesOf({ body, reader, interruption }: StreamOptions): AsyncGenerator<readonly Row[]> {
  // The request is not destroyed with the iterator: its socket is the answer's, too.
  const chunks = body.iterator({ destroyOnReturn: false }) as AsyncIterator<Buffer>
  const nextChunk = () => chunks.next().catch(clientIsGone)
  for (let next; !(next = await interruption.orThrow(nextChunk())).done;)
    yield* sliced(reader.push(next.value))
  yield* sliced(reader.end())
}

/** No fault of the service, and nobody to tell. */
function clientIsGone(cause: unknown): never {
  throw new StreamError(400, 'CLIENT_GONE', `the request broke off: ${String(cause)}`)
}

function* sliced(rows: Iterable<Row>): Generator<readonly Row[]> {
  let slice: Row[] = []
  for (const row of rows) {
    slice.push(row)
    if (slice.length < ROWS_A_SLICE) continue
    yield slice
    slice = []
  }
  if (slice.length > 0) yield slice
}

/** A stream fills the log's spool no further than its share: then it waits for the database. */
async function room({ context, interruption }: StreamOptions): Promise<void> {
  const { spoolBytes, idleMs } = context.streams
  const patienceMs = idleMs / 2
  for (let waitedMs = 0; context.predictionLog.status().spool.bytes > spoolBytes; waitedMs += ROOM_EVERY_MS) {
    if (waitedMs >= patienceMs)
      throw new StreamError(
        503,
        'PREDICTION_LOG_FULL',
        'the log has no room for more; send the other lines later',
      )
    await interruption.orThrow(delay(ROOM_EVERY_MS))
  }
}

async function answerSlice(
  { context, serving, intake, log }: StreamOptions,
  rows: readonly Row[],
  counts: { lines: number; predictions: number; inferenceTimeUs: number },
): Promise<string> {
  const time = context.now()
  const answered: Answered[] = []
  let text = ''
  for (const row of rows) {
    const result =
      'error' in row ? row : predictOneOf(context, serving, row.input, { time, intake, log, whole: 'line' })
    if (!('error' in result)) answered.push(result)
    text += lineOf({ line: row.line, ...answerOf(result) })
  }
  await keep(context, null, serving, answered)
  counts.lines += rows.length
  counts.predictions += answered.length
  for (const { record } of answered) counts.inferenceTimeUs += record.inferenceTimeUs
  return text
}

function answerOf(result: Answered | { readonly error: string }): object {
  if ('error' in result) return { error: result.error }
  const { answer, record, interval } = result
  return {
    predicted_revenue: record.predictedRevenue,
    ...(interval && { interval }),
    prediction_id: record.predictionId,
    ...(!isChampion(record) && { model: modelOf(answer) }),
  }
}

const lineOf = (value: object): string => `${JSON.stringify(value)}\n`
