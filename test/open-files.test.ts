/**
 * A service whose file descriptors are few, and one that has none left: it goes on, and recovers.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import t from 'tap'
import { openFilesFor } from '../src/services/index.ts'
import { EXAMPLE } from './example.ts'
import { dataFolder, type ServiceProcess, startService } from './service.ts'
import { until } from './until.ts'

const LIMIT = 140
const MOST_CONNECTIONS = 12
const FEWER_THAN_IT_HAS = 8

t.test('what the settings need beside what there is', (t) => {
  t.same(openFilesFor(10_000, 20_000), { expected: 10_128, actual: 20_000, maxConnections: 10_000 })
  t.same(openFilesFor(10_000, null), { expected: 10_128, actual: null, maxConnections: 10_000 })
  t.same(openFilesFor(10_000, 256), { expected: 10_128, actual: 256, maxConnections: 128 })
  t.equal(openFilesFor(10_000, 64).maxConnections, 8, 'never none')
  t.equal(openFilesFor(20, 256).maxConnections, 20, 'never more than the setting')
  t.end()
})

const isThere = (program: string): boolean => spawnSync(program, ['--version']).status === 0
const skip = isThere('prlimit') ? false : 'prlimit, of util-linux, changes the limit of a running process'

t.test('few, then none, then enough', { skip }, async (t) => {
  const service = await startService(
    t,
    { DATA_DIR: dataFolder(t), DATABASE_URL: 'off', SHED_EVENT_LOOP_DELAY_MS: '9999' },
    LIMIT,
  )
  t.match(
    service.logged.find((line) => line.includes('open files')),
    `expected a limit of at least 10128 for MAX_CONNECTIONS=10000, got ${LIMIT}; at most ${MOST_CONNECTIONS} connections`,
    'the log says so',
  )
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => agent.destroy())
  t.equal(await predict(service, agent), 200)

  const others = await connections(service, MOST_CONNECTIONS - 1)
  const [refused] = await connections(service, 1)
  await once(refused!, 'close')
  t.equal(await predict(service, agent), 200, 'there are more connections than it takes')

  limitOf(service, FEWER_THAN_IT_HAS)
  await until('a file cannot be opened', () => service.logged.some((line) => line.includes('EMFILE')))
  for (const other of others) other.destroy()
  t.equal(await predict(service, agent), 200, 'it answers without a file descriptor')
  limitOf(service, LIMIT)
  await until('it can be reached', async () => (await predict(service, new Agent()).catch(() => 0)) === 200)
  await until('the keys can be read again', () =>
    service.logged.some((line) => line.includes('the keys can be read again')),
  )
  t.equal(await service.stop(), 0)
})

/** Of files that it opens from now on. */
const limitOf = ({ process: { pid } }: ServiceProcess, soft: number): unknown =>
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${soft}:${LIMIT}`])

async function connections({ url }: ServiceProcess, count: number): Promise<Socket[]> {
  const { port, hostname } = new URL(url)
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname).resume())
  for (const socket of sockets) socket.on('error', () => {})
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

function predict({ url }: ServiceProcess, agent: Agent): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json' }
    request(`${url}/predict`, { agent, method: 'POST', headers }, (response) =>
      text(response).then(() => resolve(response.statusCode!), reject),
    )
      .on('error', reject)
      .end(JSON.stringify(EXAMPLE))
  })
}
