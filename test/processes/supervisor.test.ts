/**
 * The primary process, with workers that do nothing: who is started, replaced, told to end and killed, and what they are told.
 */
import { spawn } from 'node:child_process'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { memoryStore } from '../../src/idempotency/index.ts'
import { addCounters, renderFigures, workerFigures } from '../../src/monitor/index.ts'
import { freshSettings, Supervisor, WorkersError } from '../../src/processes/index.ts'
import { killedWithUs } from '../run/reaper.ts'
import { until } from '../until.ts'

/** `impossible`: the process cannot be made, for want of a file descriptor. */
type Fake = 'broken' | 'stubborn' | 'mute' | 'impossible'

cluster.setupPrimary({ exec: 'test/processes/fake-worker.ts', execArgv: [] })

/** A worker that ends has time to, on any machine. */
const PATIENT_MS = 300_000

/** @param fakes what is wrong with the first worker, the second one, …; null and those after: nothing */
function supervisorOf(
  t: Test,
  workers: number,
  fakes: readonly (Fake | null)[] = [],
  endWithinMs = PATIENT_MS,
) {
  const forked: Worker[] = []
  let forks = 0
  const logged: { readonly pauseMs?: number; readonly message: string }[] = []
  const log = (details: object, message: string) => void logged.push({ ...details, message })
  const supervisor = new Supervisor({
    workers,
    fork() {
      const fake = fakes[forks++]
      if (fake === 'impossible') throw Object.assign(new Error('spawn EMFILE'), { code: 'EMFILE' })
      const worker = cluster.fork({ NODE_OPTIONS: '', ...(fake && { FAKE: fake }) })
      forked.push(worker)
      return worker
    },
    endWithinMs,
    figures: (counts) => ({ own: () => workerFigures(counts), addCounters }),
    shared: memoryStore({ ttlS: 60, maxBytes: 10_000 }),
    logger: { info: log, error: log },
  })
  t.teardown(() => supervisor.stop())
  return {
    supervisor,
    forked,
    logged,
    untilServing: (n: number) => until(`${n} serve`, () => supervisor.serving() === n),
  }
}

async function ask(worker: Worker, question: object): Promise<any> {
  const answers = new Promise<any>((resolve) => {
    worker.on('message', function listen(message: { test?: unknown }) {
      if (message.test === undefined) return
      worker.off('message', listen)
      resolve(message.test)
    })
  })
  worker.send(question)
  return answers
}

const made = async (worker: Worker): Promise<string> =>
  (await renderFigures(await ask(worker, { test: 'figures' })))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .join(' ')
    .trim()

t.test('the first one does not start: nobody else is tried', async (t) => {
  const { supervisor, forked } = supervisorOf(t, 3, ['broken'])
  const error = await supervisor.start().catch((error: unknown) => error)
  t.ok(error instanceof WorkersError)
  t.match(error, { message: 'the service did not start: its first worker ended with code 3' })
  t.equal(forked.length, 1)
})

t.test('who dies is replaced, after pauses that grow as long as they die young', async (t) => {
  const { supervisor, forked, logged, untilServing } = supervisorOf(t, 2, [null, null, null, 'broken'])
  await supervisor.start()
  t.equal(supervisor.serving(), 2)
  forked[0]!.process.kill('SIGKILL')
  await until('a third', () => forked.length === 3)
  await untilServing(2)
  forked[2]!.process.kill('SIGKILL') // the next one is broken, and the one after it is not
  await until('a fifth', () => forked.length === 5)
  await untilServing(2)
  t.same(
    logged.flatMap(({ pauseMs }) => pauseMs ?? []),
    [200, 400, 800],
  )
  t.equal(supervisor.restarts(), 3)
  t.ok(forked[1]!.isConnected(), 'the other one has served on')
})

t.test('one that cannot be made is tried again', async (t) => {
  const { supervisor, forked, logged, untilServing } = supervisorOf(t, 2, [null, null, 'impossible'])
  await supervisor.start()
  forked[1]!.process.kill('SIGKILL')
  await until('it was tried', () => logged.some(({ message }) => message.includes('cannot be made')))
  await untilServing(2)
})

t.test('all are replaced one by one', async (t) => {
  const { supervisor, forked, logged } = supervisorOf(t, 2)
  await supervisor.start()
  const rolling = supervisor.roll()
  await supervisor.roll() // comes again while it is under way: once more, afterwards
  await rolling
  t.equal(forked.length, 6)
  t.same(
    forked.map((worker) => worker.isConnected()),
    [false, false, false, false, true, true],
  )
  t.same(
    forked.slice(0, 4).map(({ process }) => process.exitCode),
    [0, 0, 0, 0],
    'whoever is told to end does',
  )
  t.equal(logged.filter(({ message }) => message === 'all workers are new').length, 2)
  t.equal(supervisor.restarts(), 0)
})

t.test('a successor that does not start: the old ones stay', async (t) => {
  const { supervisor, forked, logged, untilServing } = supervisorOf(t, 2, [null, null, 'broken'])
  await supervisor.start()
  await supervisor.roll()
  t.equal(forked.length, 3)
  t.ok(forked[0]!.isConnected() && forked[1]!.isConnected())
  t.match(logged.at(-1), { message: 'the new worker does not start: the old ones stay' })
  t.equal(supervisor.restarts(), 0)
  forked[0]!.process.kill('SIGKILL')
  await until('it is missed', () => supervisor.restarts() === 1)
  await untilServing(2)
  t.equal(supervisor.restarts(), 1, 'and are replaced as before')
})

t.test('who does not end is killed', async (t) => {
  const { supervisor, forked, logged } = supervisorOf(t, 2, ['stubborn', 'stubborn'], 500)
  await supervisor.start()
  const begun = performance.now()
  await supervisor.stop()
  t.ok(performance.now() - begun >= 490)
  t.same(
    forked.map(({ process }) => process.signalCode),
    ['SIGKILL', 'SIGKILL'],
  )
  t.match(logged.at(-1), { message: 'a worker does not end: it is killed' })
  await delay(300)
  t.equal(forked.length, 2, 'and nobody takes his place')
})

t.test('figures of all, of those that are gone, and of one that does not tell', async (t) => {
  const { supervisor, forked, untilServing } = supervisorOf(t, 2, [null, null, null, 'mute'])
  await supervisor.start()
  t.equal(await made(forked[0]!), 'made 20 day7_workers 2 day7_worker_restarts_total 0')
  forked[0]!.process.kill('SIGKILL')
  await until('a third', () => forked.length === 3)
  await untilServing(2)
  t.equal(await made(forked[1]!), 'made 30 day7_workers 2 day7_worker_restarts_total 1')
  await supervisor.roll() // the first of the new ones does not tell
  t.teardown(() => forked[3]!.process.kill('SIGKILL')) // nor does it end
  t.equal(await made(forked[4]!), 'made 40 day7_workers 2 day7_worker_restarts_total 1')
})

t.test('what one keeps, the others find', async (t) => {
  const { supervisor, forked } = supervisorOf(t, 2)
  await supervisor.start()
  const keep = (worker: number, value: string) => ask(forked[worker]!, { test: 'keep', value })
  t.equal(await keep(0, 'first'), null)
  t.equal(await keep(1, 'second'), 'first')
  t.equal(await keep(0, 'third'), 'first')
})

t.test('workers end with their primary', async (t) => {
  const primary = killedWithUs(
    spawn(process.execPath, ['test/processes/fake-primary.ts'], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {},
    }),
  )
  t.teardown(() => primary.kill('SIGKILL'))
  const [line] = (await once(createInterface(primary.stdout), 'line')) as [string]
  const pids = JSON.parse(line) as number[]
  t.equal(pids.length, 2)
  primary.kill('SIGKILL')
  const isAlive = (pid: number) => {
    try {
      return process.kill(pid, 0)
    } catch {
      return false
    }
  }
  await until('they have ended', () => !pids.some(isAlive))
})

t.test('settings of a file are read afresh', (t) => {
  const folder = t.testdir({ '.env': 'A=1\nB=two words\nC=3\n', 'more.env': 'D=4\n' })
  const file = join(folder, '.env')
  const environment = { A: '1', B: 'two words', C: 'from outside', D: '4', E: '5' }
  t.same(freshSettings([], environment), {})
  t.same(freshSettings(['--no-warnings', `--env-file=${file}`], environment), { A: undefined, B: undefined })
  const both = ['--env-file', file, `--env-file-if-exists=${join(folder, 'more.env')}`]
  t.same(Object.keys(freshSettings(both, environment)), ['A', 'B', 'D'])
  writeFileSync(file, 'E=5\n')
  t.same(freshSettings([`--env-file=${file}`, '--env-file-if-exists=nowhere'], environment), { E: undefined })
  t.end()
})
