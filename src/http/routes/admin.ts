/**
 * `POST /admin/retrainings`: what a retraining came to, for the history of the models. `GET`, `PUT` and `DELETE /admin/rollout`: the split of the traffic at run time. What is put is kept in the database first, and is
 * in force in all processes within seconds.
 */
import type { Traffic, TrafficSetting } from '../../rollout/index.ts'
import type { Routes } from '../context.ts'
import { RetrainingBody, RetrainingKept, TrafficBody, TrafficInForce } from '../schemas/admin.ts'
import { failures } from '../schemas/failure.ts'

const PATH = '/admin/rollout'

export const adminRoutes: Routes = (app, context) => {
  const { traffic } = context.models
  const common = { tags: ['admin'], response: { 200: TrafficInForce, ...failures() } }

  app.get(
    PATH,
    {
      config: { scope: 'admin' },
      schema: { ...common, operationId: 'getRollout', summary: 'The split of the traffic that is in force' },
    },
    () => trafficOf(traffic.current()),
  )

  app.put(
    PATH,
    {
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'setRollout',
        summary: 'Split the traffic, in all processes',
        body: TrafficBody,
        response: { 200: TrafficInForce, ...failures(413, 415) },
      },
    },
    async (request) => trafficOf(await traffic.set(splitOf(request.body))),
  )

  app.delete(
    PATH,
    {
      config: { scope: 'admin' },
      schema: { ...common, operationId: 'resetRollout', summary: 'Split the traffic as the settings say' },
    },
    async () => trafficOf(await traffic.reset()),
  )

  app.post(
    '/admin/retrainings',
    {
      config: { scope: 'admin' },
      schema: {
        operationId: 'recordRetraining',
        tags: ['admin'],
        summary: 'Note what a retraining came to',
        body: RetrainingBody,
        response: { 200: RetrainingKept, ...failures(413, 415) },
      },
    },
    async (request) => {
      const { outcome, model, version = null, detail, host } = request.body
      const time = context.now()
      await context.predictionLog.keepModelEvent({
        eventId: context.newPredictionId(time),
        time,
        event: outcome === 'published' ? 'retrained' : 'withheld',
        variant: 'challenger',
        modelName: model,
        modelVersion: version,
        host,
        detail,
      })
      return { time: time.toISOString() }
    },
  )
}

export function trafficOf({ challengerShare, shadow, salt, origin, since }: TrafficSetting) {
  const challenger = Number((challengerShare * 100).toPrecision(PERCENT_DIGITS))
  return {
    champion: Number((100 - challenger).toPrecision(PERCENT_DIGITS)),
    challenger,
    shadow: shadow ? ('challenger' as const) : null,
    salt,
    origin,
    since: since?.toISOString() ?? null,
  }
}

/** A share is kept as a double; nobody wants to read 28.999999999999996. */
const PERCENT_DIGITS = 12
const TOLERANCE = 1e-9

/** What is left out stays as it is. @throws 400 if the parts are not a whole */
function splitOf({ champion, challenger, shadow, salt }: TrafficBody): Partial<Traffic> {
  if (Math.abs(champion + challenger - 100) > TOLERANCE)
    throw Object.assign(
      new Error(
        `expected champion and challenger to add up to 100, got ${champion} + ${challenger} = ${champion + challenger}`,
      ),
      { statusCode: 400, code: 'SPLIT_INVALID' },
    )
  return {
    challengerShare: challenger / 100,
    ...(shadow !== undefined && { shadow: shadow !== null }),
    ...(salt !== undefined && { salt }),
  }
}
