/**
 * Two processes of the service that count together in a real Redis, and go on when it is gone.
 */
import t from 'tap'
import { createRedisServer, NO_REDIS } from '../redis-server.ts'
import { startService } from '../service.ts'
import { until } from '../until.ts'

t.test('one limit for all processes', { skip: NO_REDIS }, async (t) => {
  const redis = await createRedisServer()
  t.teardown(() => redis.remove())
  const settings = {
    DATABASE_URL: 'off',
    REDIS_URL: redis.url,
    RATE_LIMIT_PER_ADDRESS: '5/hour',
    TRUST_PROXY: '1',
  }
  const services = await Promise.all([startService(t, settings), startService(t, settings)])
  const stateIn = async (url: string): Promise<string> => {
    const text = await (await fetch(`${url}/metrics`)).text()
    return /day7_request_counts_state\{state="(\w+)"\} 1/.exec(text)![1]!
  }
  const allAre = (state: string) =>
    until(`both are ${state}`, async () =>
      (await Promise.all(services.map(({ url }) => stateIn(url)))).every((one) => one === state),
    )
  let addresses = 0
  /** How many of ten requests a new address gets answered, half of them by each. */
  const answered = async (): Promise<number> => {
    const headers = { 'x-forwarded-for': `10.0.0.${++addresses}` }
    const statuses: number[] = []
    for (let i = 0; i < 5; i++)
      for (const { url } of services) {
        const response = await fetch(`${url}/model/info`, { headers })
        await response.arrayBuffer()
        statuses.push(response.status)
      }
    t.same(
      statuses.filter((status) => status !== 200 && status !== 429),
      [],
    )
    return statuses.filter((status) => status === 200).length
  }

  // Where an answer of Redis comes too late, the process alone counts a request: then there may be more.
  const haveOneLimit = () => until('one limit for both', async () => (await answered()) === 5)
  await allAre('shared')
  await haveOneLimit()
  await redis.stop()
  await allAre('away')
  t.equal(await answered(), 10, 'each for itself')
  for (const { logged } of services) t.match(logged.join('\n'), /Redis is away; each process counts/)
  await redis.start()
  await allAre('shared')
  await haveOneLimit()
  t.same(await Promise.all(services.map((service) => service.stop())), [0, 0])
})
