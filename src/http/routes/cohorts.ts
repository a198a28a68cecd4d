/**
 * `POST /spend`: what was paid for installs. `GET /cohorts`: what was predicted of the installs of a day, what came, and what it cost.
 */
import { csvCell } from '../../formats/index.ts'
import type { Cohort, Spend } from '../../prediction-log/index.ts'
import { type AppContext, facetsInService, type Routes, servingOf } from '../context.ts'
import { describe, explain } from '../plugins/validation.ts'
import {
  CohortQuerystring,
  CohortsAnswer,
  DAY,
  SpendAnswer,
  SpendBody,
  SpendSchema,
} from '../schemas/cohorts.ts'
import { failures } from '../schemas/failure.ts'

const DAY_MS = 86_400_000
const DEFAULT_DAYS = 28
/** One player who spends much moves the sum of fewer. */
const SMALL = 100

export const cohortRoutes: Routes = (app, context) => {
  app.post(
    '/spend',
    {
      config: { scope: 'outcomes' },
      schema: {
        operationId: 'recordSpend',
        tags: ['outcomes'],
        summary: 'Report what was spent on acquiring installs',
        body: SpendBody,
        response: { 200: SpendAnswer, ...failures(413, 415) },
      },
    },
    async (request) => {
      const { unit, spend } = request.body
      const isSpend =
        request.getValidationFunction(SpendSchema) ?? request.compileValidationSchema(SpendSchema)
      const expected = unitOf(context)
      if (unit !== undefined && expected !== null && unit !== expected)
        throw invalid(
          'UNIT_INVALID',
          `unit: expected ${expected}, that of the revenue, got ${describe(unit)}`,
        )
      const facets = facetsInService(context)
      const accepted: Spend[] = []
      const errors: { index: number; error: string }[] = []
      for (const [index, item] of spend.entries()) {
        const fault = isSpend(item as Record<string, unknown>)
          ? faultOf(item as SpendItem, facets, context.now())
          : explain(isSpend.errors, 'spend')
        if (fault === null) accepted.push(spendOf(item as SpendItem))
        else errors.push({ index, error: fault })
      }
      if (accepted.length > 0) await context.predictionLog.recordSpend(accepted)
      return { accepted: accepted.length, errors }
    },
  )

  app.get(
    '/cohorts',
    {
      config: { scope: 'read' },
      schema: {
        operationId: 'cohorts',
        tags: ['outcomes'],
        summary: 'Predicted and actual revenue, spend and ROAS of installs by day and facets',
        querystring: CohortQuerystring,
        response: { 200: CohortsAnswer, ...failures() },
      },
    },
    async (request, reply) => {
      const { bucket = 'day', format = 'json', by: names, filter: filters = [] } = request.query
      const to = dayOf('to', request.query.to ?? isoDay(context.now()))
      const from = dayOf(
        'from',
        request.query.from ?? isoDay(new Date(Date.parse(to) - (DEFAULT_DAYS - 1) * DAY_MS)),
      )
      if (from > to)
        throw invalid('PERIOD_INVALID', `to: expected a day from ${from} on, got ${describe(to)}`)
      const facets = facetsInService(context)
      const by = names === undefined ? [] : [...new Set(names.split(','))]
      const filter = Object.fromEntries([filters].flat().map(partsOf))
      for (const name of [...by, ...Object.keys(filter)]) expectFacet(name, facets)
      const { cohorts, unattributedSpend } = await context.predictionLog.cohorts({
        from,
        to,
        bucket,
        by,
        filter,
      })
      const rows = cohorts.map((cohort) => ({
        start: cohort.start,
        facets: Object.fromEntries(by.map((name, at) => [name, cohort.values[at]!])),
        ...figuresOf(cohort),
      }))
      if (format === 'csv') return reply.type('text/csv; charset=utf-8').send(csvOf(by, rows) as never)
      const total = figuresOf(cohorts.reduce(add, NOTHING))
      return {
        ...{ from, to, bucket, by, unit: unitOf(context), total },
        ...{ unattributed_spend: unattributedSpend, cohorts: rows },
      }
    },
  )
}

interface SpendItem {
  readonly date: string
  readonly facets?: Readonly<Record<string, string>>
  readonly amount: number
}

const spendOf = ({ date, amount, facets = {} }: SpendItem): Spend => ({ day: date, facets, amount })

const unitOf = (context: AppContext): string | null => servingOf(context).champion.bundle.inputs.target.unit

const isoDay = (time: Date): string => time.toISOString().slice(0, 10)

const invalid = (code: string, message: string): Error =>
  Object.assign(new Error(message), { statusCode: 400, code })

/** The pattern allows for the 31st of every month. @throws 400 */
function dayOf(name: string, text: string): string {
  if (isDay(text)) return text
  throw invalid('PERIOD_INVALID', `${name}: expected ${DAY['x-expected']}, got ${describe(text)}`)
}

/** PostgreSQL knows no year 0, and there were no installs. */
const FIRST_DAY = '1970-01-01'

function isDay(text: string): boolean {
  const time = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(time.getTime()) && isoDay(time) === text && text >= FIRST_DAY
}

function faultOf({ date, facets = {} }: SpendItem, known: readonly string[], now: Date): string | null {
  if (!isDay(date)) return `date: expected ${DAY['x-expected']}, got ${describe(date)}`
  // Somewhere it is tomorrow.
  const last = isoDay(new Date(now.getTime() + DAY_MS))
  if (date > last) return `date: expected a day that is not in the future, got ${describe(date)}`
  const unknown = Object.keys(facets).find((name) => !known.includes(name))
  return unknown === undefined ? null : notAFacet(unknown, known)
}

const notAFacet = (name: string, known: readonly string[]): string =>
  `facets: expected ${known.length > 0 ? `some of ${known.join(', ')}` : 'none, since no model in service has facets'}, got ${describe(name)}`

/** @throws 400 */
function expectFacet(name: string, known: readonly string[]): void {
  if (!known.includes(name)) throw invalid('FACET_INVALID', notAFacet(name, known))
}

/** A value may have colons. */
function partsOf(filter: string): [string, string] {
  const at = filter.indexOf(':')
  return [filter.slice(0, at), filter.slice(at + 1)]
}

type Sums = Omit<Cohort, 'start' | 'values'>

const NOTHING: Sums = {
  ...{ installs: 0, predicted: 0, reported: 0, actual: 0, matured: 0, maturedPredicted: 0, maturedActual: 0 },
  spend: null,
}

const add = (all: Sums, one: Sums): Sums => ({
  installs: all.installs + one.installs,
  predicted: all.predicted + one.predicted,
  reported: all.reported + one.reported,
  actual: all.actual + one.actual,
  matured: all.matured + one.matured,
  maturedPredicted: all.maturedPredicted + one.maturedPredicted,
  maturedActual: all.maturedActual + one.maturedActual,
  spend: one.spend === null ? all.spend : (all.spend ?? 0) + one.spend,
})

const ratio = (part: number | null, of: number | null): number | null =>
  part === null || of === null || of === 0 ? null : part / of

function figuresOf(sums: Sums) {
  const { installs, predicted, reported, actual, matured, spend } = sums
  return {
    installs,
    predicted_revenue: predicted,
    predicted_per_install: ratio(predicted, installs),
    reported,
    actual_revenue: actual,
    matured,
    matured_share: ratio(matured, installs),
    bias_ratio: ratio(sums.maturedPredicted, sums.maturedActual),
    spend,
    cost_per_install: ratio(spend, installs),
    predicted_roas: ratio(predicted, spend),
    actual_roas: ratio(actual, spend),
    is_small: installs < SMALL,
  }
}

type WireCohort = ReturnType<typeof figuresOf> & {
  readonly start: string
  readonly facets: Readonly<Record<string, string>>
}

function csvOf(by: readonly string[], rows: readonly WireCohort[]): string {
  const figures = Object.keys(figuresOf(NOTHING)) as (keyof ReturnType<typeof figuresOf>)[]
  const header = ['start', ...by, ...figures].map((name) => csvCell(name)).join()
  const lines = rows.map((row) =>
    [
      row.start,
      ...by.map((name) => csvCell(row.facets[name]!)),
      ...figures.map((name) => (row[name] === null ? '' : String(row[name]))),
    ].join(),
  )
  return [header, ...lines].map((line) => `${line}\n`).join('')
}
