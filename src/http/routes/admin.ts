/**
 * `GET`, `PUT` and `DELETE /admin/rollout`: the split of the traffic at run time. What is put is kept in the database first, and is
 * in force in all processes within seconds. Answers only callers on the same machine.
 */
import type { FastifyRequest } from 'fastify'
import type { Traffic, TrafficSetting } from '../../rollout/index.ts'
import type { Routes } from '../context.ts'
import { TrafficBody, TrafficInForce } from '../schemas/admin.ts'
import { failures } from '../schemas/failure.ts'

const PATH = '/admin/rollout'

export const adminRoutes: Routes = (app, { models: { traffic } }) => {
  const common = { tags: ['admin'], response: { 200: TrafficInForce, ...failures(400) } }

  app.get(
    PATH,
    {
      onRequest: expectLocal,
      config: { scope: 'admin' },
      schema: { ...common, operationId: 'getRollout', summary: 'The split of the traffic that is in force' },
    },
    () => trafficOf(traffic.current()),
  )

  app.put(
    PATH,
    {
      onRequest: expectLocal,
      config: { scope: 'admin' },
      schema: {
        ...common,
        operationId: 'setRollout',
        summary: 'Split the traffic, in all processes',
        body: TrafficBody,
        response: { 200: TrafficInForce, ...failures(400, 413, 415) },
      },
    },
    async (request) => trafficOf(await traffic.set(splitOf(request.body))),
  )

  app.delete(
    PATH,
    {
      onRequest: expectLocal,
      config: { scope: 'admin' },
      schema: { ...common, operationId: 'resetRollout', summary: 'Split the traffic as the settings say' },
    },
    async () => trafficOf(await traffic.reset()),
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

const LOCAL_ADDRESS = /^(::ffff:)?127\.|^::1$/
const LOCAL_HOST = /^(localhost|127\.[\d.]+|\[::1\])(:\d+)?$/i
/** Of what a proxy passes on, or a page in a browser asks for. */
const FOREIGN_HEADERS = ['origin', 'forwarded', 'x-forwarded-for', 'x-real-ip', 'via']

/** There are no keys yet that could tell an operator from a player. */
async function expectLocal({ socket, headers }: FastifyRequest): Promise<void> {
  const isLocal = LOCAL_ADDRESS.test(socket.remoteAddress ?? '') && LOCAL_HOST.test(headers.host ?? '')
  if (!isLocal || FOREIGN_HEADERS.some((name) => name in headers))
    throw Object.assign(new Error('expected a caller on the same machine, got one from elsewhere'), {
      statusCode: 403,
      code: 'NOT_LOCAL',
    })
}
