/**
 * `GET /training-data`: one row for each install whose revenue is known, to train on. `GET /training-data/days`: what there is, by day.
 */
import { Readable } from 'node:stream'
import { csvCell } from '../../formats/index.ts'
import { type InputSchema, parseInputSchema } from '../../inputs/index.ts'
import {
  completeDays,
  TRAINING_PAGE_ROWS,
  type TrainingDay,
  type TrainingPeriod,
  type TrainingRow,
} from '../../prediction-log/index.ts'
import { type AppContext, type Routes, servingOf } from '../context.ts'
import { describe } from '../plugins/validation.ts'
import { failures } from '../schemas/failure.ts'
import { TIME } from '../schemas/outcomes.ts'
import { CSV, NDJSON } from '../streams/index.ts'
import {
  TrainingDataAnswer,
  TrainingDataQuery,
  TrainingDaysAnswer,
  TrainingDaysQuery,
} from '../schemas/training-data.ts'

type Value = string | number | boolean | null

/** What a dataset has beside the inputs and the target. No field should be called so. */
const ADDED = {
  day7_user_id: (row) => row.userId,
  day7_prediction_id: (row) => row.predictionId,
  day7_predicted_at: (row) => row.time.toISOString(),
  day7_predicted_revenue: (row) => row.predictedRevenue,
  day7_model: (row) => `${row.modelName}/${row.modelVersion}`,
  day7_variant: (row) => row.variant,
  day7_observed_at: (row) => row.observedAt?.toISOString() ?? null,
  day7_outcome: (row) => (row.actualRevenue === null ? 'no_outcome' : 'reported'),
} as const satisfies Record<string, (row: TrainingRow) => Value>

const MEDIA_TYPES = { ndjson: NDJSON, csv: `${CSV}; charset=utf-8` } as const

export const trainingDataRoutes: Routes = (app, context) => {
  app.get(
    '/training-data/days',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'trainingDays',
        tags: ['outcomes'],
        summary: 'What training data there is, by day',
        querystring: TrainingDaysQuery,
        response: { 200: TrainingDaysAnswer, ...failures(404) },
      },
    },
    async (request) => {
      const { inputs, clock, days, complete, otherSchemas } = await askFor(context, request.query)
      return {
        schema_id: inputs.id,
        inputs: inputs.document,
        horizon_days: inputs.target.horizonDays,
        clock: clock.toISOString(),
        days: days.map((day) => dayOf(day, complete.includes(day.day))),
        other_schemas: otherSchemas.map(({ schemaId, installs }) => ({ schema_id: schemaId, installs })),
      }
    },
  )

  app.get(
    '/training-data',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'trainingData',
        tags: ['outcomes'],
        summary: 'Installs with their revenue, to train on',
        description: `A row for each install whose horizon has passed, by time: the inputs, the target, and ${Object.keys(ADDED).join(', ')}. An answer that breaks off is not whole: its connection is cut.`,
        querystring: TrainingDataQuery,
        response: { 200: TrainingDataAnswer, ...failures(404) },
      },
    },
    async (request, reply) => {
      const { format = 'ndjson' } = request.query
      const { inputs, period, complete } = await askFor(context, request.query)
      const columns = [...inputs.fields.map(({ name }) => name), inputs.target.name]
      refuseTaken(columns)
      const write = { ndjson: jsonLine, csv: csvLine }[format]
      const head =
        format === 'csv' ? `${[...columns, ...Object.keys(ADDED)].map((name) => csvCell(name)).join()}\n` : ''
      reply.header('x-day7-schema-id', inputs.id).type(MEDIA_TYPES[format])
      return reply.send(
        Readable.from(
          pages(context, period, complete, head, (row) => write(columns, valuesOf(inputs, row))),
          {
            objectMode: false,
          },
        ),
      )
    },
  )
}

interface Asked {
  readonly since?: string
  readonly until?: string
  readonly schema_id?: string
}

/** @throws 404 if nothing in the log has those inputs */
async function askFor(context: AppContext, { since, until, schema_id }: Asked) {
  const champion = servingOf(context).champion.bundle.inputs
  const period: TrainingPeriod = {
    since: since === undefined ? new Date(0) : timeOf('since', since),
    until: until === undefined ? context.now() : timeOf('until', until),
    schemaId: schema_id ?? champion.id,
  }
  if (period.since >= period.until)
    throw Object.assign(
      new Error(
        `until: expected a time after ${period.since.toISOString()}, got ${describe(until ?? 'now')}`,
      ),
      { statusCode: 400, code: 'PERIOD_INVALID' },
    )
  const { document, ...answer } = await context.predictionLog.trainingDays(period)
  const inputs =
    period.schemaId === champion.id ? champion : document === null ? null : parseInputSchema(document)
  if (!inputs)
    throw Object.assign(
      new Error(`schema_id: expected an input schema of the log, got ${describe(period.schemaId)}`),
      { statusCode: 404, code: 'SCHEMA_UNKNOWN' },
    )
  return { inputs, period, complete: completeDays(answer.days), ...answer }
}

/** The format allows for leap seconds, which are no times to JavaScript, and for a year 0, which PostgreSQL does not know. */
function timeOf(name: string, text: string): Date {
  const time = new Date(text)
  if (!(time.getTime() >= 0))
    throw Object.assign(
      new Error(`${name}: expected ${TIME['x-expected']}, from 1970 on, got ${describe(text)}`),
      {
        statusCode: 400,
        code: 'PERIOD_INVALID',
      },
    )
  return time
}

function dayOf(day: TrainingDay, isComplete: boolean) {
  return {
    day: day.day,
    installs: day.installs,
    pending: day.pending,
    reported: day.reported,
    no_outcome: isComplete ? day.silent : 0,
    left_out: day.early + (isComplete ? 0 : day.silent),
    complete: isComplete,
    predicted_revenue: day.predicted,
    revenue: day.actual,
  }
}

/** @throws 400: such a dataset could not be read back */
function refuseTaken(columns: readonly string[]): void {
  const taken = columns.find((name) => name in ADDED)
  if (taken)
    throw Object.assign(
      new Error(`expected an input schema without a field ${taken}, which a dataset has for itself`),
      { statusCode: 400, code: 'COLUMN_TAKEN' },
    )
}

async function* pages(
  { predictionLog }: AppContext,
  period: TrainingPeriod,
  completeDays: readonly string[],
  head: string,
  lineOf: (row: TrainingRow) => string,
): AsyncGenerator<string> {
  if (head) yield head
  let rows: readonly TrainingRow[] = []
  do {
    const last = rows.at(-1)
    rows = await predictionLog.trainingRows({ period, completeDays, after: last ?? null })
    yield rows.map(lineOf).join('')
  } while (rows.length === TRAINING_PAGE_ROWS)
}

/** Inputs that the log leaves out are null. */
const valuesOf = ({ fields }: InputSchema, row: TrainingRow): Value[] => [
  ...fields.map(({ name }) => row.inputs[name] ?? null),
  row.actualRevenue ?? 0,
  ...Object.values(ADDED).map((of) => of(row)),
]

const jsonLine = (columns: readonly string[], values: readonly Value[]): string =>
  `{${[...columns, ...Object.keys(ADDED)].map((name, at) => `${JSON.stringify(name)}:${JSON.stringify(values[at])}`).join()}}\n`

const csvLine = (_: readonly string[], values: readonly Value[]): string =>
  `${values.map((value) => csvCell(value === null ? null : String(value))).join()}\n`
