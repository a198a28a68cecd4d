/**
 * The writer's states, with a sink that does as it is told.
 */
import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import type { PredictionRecord } from '../../src/prediction-log/index.ts'
import { type PredictionSink, Writer, type WriterOptions } from '../../src/prediction-log/writer.ts'
import { recordOf } from './records.ts'

class Sink implements PredictionSink {
  readonly written: PredictionRecord[] = []
  readonly poisoned = new Set<string>()
  away = false
  hangs = false
  closed = false

  async write(records: readonly PredictionRecord[]): Promise<void> {
    if (this.hangs) return new Promise(() => {})
    if (this.away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    if (records.some((record) => this.poisoned.has(record.predictionId))) throw new Error('refused')
    this.written.push(...records)
  }

  refuses(error: unknown): boolean {
    return (error as Error).message === 'refused'
  }

  async close(): Promise<void> {
    this.closed = true
  }
}

function writerTo(sink: Sink, options: Partial<WriterOptions> = {}) {
  const said: string[] = []
  const say = (_: object, message: string) => void said.push(message)
  const writer = new Writer({
    sink,
    flushIntervalMs: 5,
    maxWaiting: 5000,
    random: () => 0,
    logger: { info: say, warn: say, error: say },
    ...options,
  })
  return { writer, said }
}

const until = async (done: () => boolean): Promise<void> => {
  while (!done()) await delay(2)
}

t.test('records are written in order, in the background', async (t) => {
  const sink = new Sink()
  const { writer } = writerTo(sink)
  t.equal(writer.status().state, 'connecting')
  await until(() => writer.status().state === 'writing')
  const records = Array.from({ length: 4500 }, () => recordOf())
  for (const record of records) writer.append(record)
  await until(() => sink.written.length === records.length)
  t.same(sink.written, records)
  await writer.close(1000)
  t.same(writer.status(), { state: 'closed', waiting: 0, dropped: 0, lastError: null })
  t.ok(sink.closed)
})

t.test('a database that is away is tried again, and nothing is lost', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { writer, said } = writerTo(sink)
  const record = recordOf()
  writer.append(record)
  await until(() => writer.status().state === 'backing-off')
  t.match(writer.status(), { waiting: 1, dropped: 0, lastError: 'ECONNREFUSED' })
  await delay(300)
  sink.away = false
  await until(() => writer.status().state === 'writing')
  t.same(sink.written, [record])
  t.equal(writer.status().lastError, null)
  t.same(said, ['prediction log: cannot write, will try again', 'prediction log: the database is back'])
  await writer.close(1000)
})

t.test('when too many wait, new ones are dropped, counted and said', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { writer, said } = writerTo(sink, { maxWaiting: 3 })
  for (let i = 0; i < 5; i++) writer.append(recordOf())
  t.match(writer.status(), { waiting: 3, dropped: 2 })
  t.equal(said.filter((message) => message.includes('dropped')).length, 1, 'said once a minute')
  sink.away = false
  await writer.close(1000)
  t.equal(sink.written.length, 3)
})

t.test('a record that the database refuses goes alone', async (t) => {
  const sink = new Sink()
  const { writer, said } = writerTo(sink)
  const records = Array.from({ length: 9 }, () => recordOf())
  sink.poisoned.add(records[3]!.predictionId)
  for (const record of records) writer.append(record)
  await until(() => writer.status().waiting === 0)
  t.same(sink.written, records.toSpliced(3, 1))
  t.equal(writer.status().dropped, 1)
  t.match(said, ['prediction log: the database refuses this record'])
  await writer.close(1000)
})

t.test('closing writes what waits, even while backing off', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { writer } = writerTo(sink)
  const record = recordOf()
  writer.append(record)
  await until(() => writer.status().state === 'backing-off')
  sink.away = false
  await writer.close(1000)
  t.same(sink.written, [record])
  writer.append(recordOf())
  t.match(writer.status(), { waiting: 0, dropped: 1 }, 'too late')
})

t.test('closing gives up at its deadline', async (t) => {
  for (const state of ['away', 'hangs'] as const) {
    const sink = new Sink()
    sink[state] = true
    const { writer, said } = writerTo(sink)
    writer.append(recordOf())
    await delay(20)
    await writer.close(50)
    t.match(writer.status(), { state: 'closed', waiting: 0, dropped: 1 })
    t.ok(sink.closed)
    t.match(said.slice(-2), [/dropped: the log was closed/, /in all so many predictions were dropped/])
  }
})
