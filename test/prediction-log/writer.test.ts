/**
 * The writer's states, with a real spool and a sink that does as it is told.
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { PredictionRecord } from '../../src/prediction-log/index.ts'
import { shipSegment, type Shipment } from '../../src/prediction-log/shipment.ts'
import { predictionIdOf } from '../../src/prediction-log/spool/line.ts'
import { Spool } from '../../src/prediction-log/spool/spool.ts'
import { type PredictionSink, Writer } from '../../src/prediction-log/writer.ts'
import { dataFolder } from '../service.ts'
import { recordOf } from './records.ts'
import { until } from '../until.ts'

class Sink implements PredictionSink {
  /** Ids in the order in which they came. */
  readonly shipped: string[] = []
  readonly refused = new Set<string>()
  attempts = 0
  shipments = 0
  maintained = 0
  away = false
  unmaintainable = false
  onShipped = async (): Promise<void> => {}
  /** A shipment waits for this. */
  gate: Promise<void> = Promise.resolve()

  async ship(path: string): Promise<Shipment> {
    this.attempts++
    this.shipments++
    await this.gate
    const shipment = await shipSegment(path, {
      keep: async (lines) => {
        const ids: string[] = []
        for await (const chunk of lines)
          for (const line of chunk.toString('latin1').split(/(?<=\n)/))
            ids.push(predictionIdOf(Buffer.from(line)))
        this.#answer()
        if (ids.some((id) => this.refused.has(id))) throw new Error('refused')
        this.shipped.push(...ids)
      },
      refuses: (error) => (error as Error).message === 'refused',
      tryPlain: async () => {},
    })
    await this.onShipped()
    return { ...shipment, erased: 0, notes: [] }
  }

  /** It is asked for events once a round, while all is well. */
  rounds = 0
  hasEvents = () => ++this.rounds < 0

  async probe(): Promise<void> {
    this.attempts++
    this.#answer()
  }

  async maintain(): Promise<void> {
    this.maintained++
    if (this.unmaintainable) throw new Error('canceling statement due to lock timeout')
  }

  #answer(): void {
    if (this.away) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  }
}

function writerOf(t: Test, sink: Sink) {
  const folder = dataFolder(t)
  const said: string[] = []
  const say = (_: object, message: string) => void said.push(message.replace('prediction log: ', ''))
  const logger = { info: say, warn: say, error: say }
  const spool = new Spool({
    folder,
    owner: 'me',
    maxBytes: 2 ** 30,
    fsyncMs: 1000,
    fields: null,
    logger,
  })
  const writer = new Writer({ spool, sink, flushIntervalMs: 5, logger })
  t.teardown(async () => {
    await writer.close(0)
    await spool.close()
  })
  return { folder, spool, writer, said }
}

const records = (count: number): PredictionRecord[] => Array.from({ length: count }, () => recordOf())
const idsOf = (some: readonly PredictionRecord[]): string[] => some.map((record) => record.predictionId)

t.test('records are shipped in order, in the background, and leave the disk', async (t) => {
  const sink = new Sink()
  const { folder, spool, writer, said } = writerOf(t, sink)
  t.equal(writer.status().state, 'connecting')
  await until("writer.status().state === 'shipping'", () => writer.status().state === 'shipping')
  const all: PredictionRecord[] = []
  for (let i = 0; i < 30; i++) {
    const some = records(200)
    all.push(...some)
    await spool.append(some)
  }
  await until('sink.shipped.length === all.length', () => sink.shipped.length === all.length)
  t.same(sink.shipped, idsOf(all))
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
  t.same(
    (await readdir(folder)).filter((file) => file.endsWith('.segment')),
    [],
  )
  t.match(writer.status(), { state: 'shipping', shipped: all.length, quarantined: 0, lastError: null })
  t.equal(sink.maintained, 1)
  t.same(said, [])
})

t.test('a round ships what waits when it begins, however much keeps coming', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { spool, writer, said } = writerOf(t, sink)
  await spool.append(records(1))
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  let appended = 1
  // Each shipment finds another record in the spool when it ends.
  sink.onShipped = async () => {
    await spool.append(records(1))
    appended++
  }
  sink.away = false
  await until('the database is back', () => said.includes('the database is back'))
  const { rounds } = sink
  t.match(writer.status(), { state: 'shipping', lastError: null })
  await until('more rounds', () => sink.rounds >= rounds + 3)
  sink.onShipped = async () => {}
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
  t.equal(writer.status().shipped, appended)
})

t.test('of a backlog two full segments are under way at once', async (t) => {
  const sink = new Sink()
  const [first, others] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  sink.gate = first.promise
  const { spool, writer } = writerOf(t, sink)
  const all = records(42_003)
  await spool.append(all.slice(0, 1))
  await until('the first is under way', () => sink.shipments === 1)
  for (let i = 0; i < 3; i++) await spool.append(all.slice(1 + i * 14_000, 1 + (i + 1) * 14_000))
  sink.gate = others.promise
  first.resolve()
  await until('two more are under way', () => sink.shipments === 3)
  await spool.append(all.slice(42_001))
  t.equal(spool.status().segments, 4)
  others.resolve()
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
  t.match([sink.shipments, writer.status().shipped], [5, 42_003])
})

t.test('a segment stays until the sink has kept it', async (t) => {
  const sink = new Sink()
  let open = (): void => {}
  sink.gate = new Promise((resolve) => (open = resolve))
  const { spool } = writerOf(t, sink)
  await spool.append(records(1))
  await until('sink.attempts >= 2', () => sink.attempts >= 2)
  t.ok(spool.status().bytes > 0)
  open()
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
})

t.test('a sink that is away is tried again after growing pauses, and nothing is lost', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { spool, writer, said } = writerOf(t, sink)
  const all = records(3)
  for (const record of all) await spool.append([record])
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  t.match(writer.status(), { lastError: 'ECONNREFUSED', shipped: 0 })
  await until('sink.attempts >= 3', () => sink.attempts >= 3)
  t.equal(spool.status().segments, 1, 'meanwhile one segment grows')
  sink.away = false
  await until("writer.status().state === 'shipping'", () => writer.status().state === 'shipping')
  t.same(sink.shipped, idsOf(all))
  t.equal(writer.status().lastError, null)
  t.same(said, ['cannot ship, will try again', 'the database is back'])
})

t.test('while the circuit is open the sink is left alone', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { writer } = writerOf(t, sink)
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  for (let i = 0; i < 100; i++) await writer.flush()
  t.ok(sink.attempts < 10, `${sink.attempts} attempts`)
})

t.test('records that the sink refuses are set aside, each alone', async (t) => {
  const sink = new Sink()
  const { folder, spool, writer, said } = writerOf(t, sink)
  const all = records(9)
  sink.refused.add(all[3]!.predictionId).add(all[8]!.predictionId)
  await spool.append(all)
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
  t.same(sink.shipped, idsOf(all.filter((record) => !sink.refused.has(record.predictionId))))
  t.match(writer.status(), { shipped: 7, quarantined: 2 })
  const [file] = await readdir(join(folder, 'quarantine'))
  const aside = await readFile(join(folder, 'quarantine', file!), 'utf8')
  t.same(
    aside
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t')[1]),
    [all[3]!.predictionId, all[8]!.predictionId],
  )
  t.equal(said.length, 1)
})

t.test('damaged segments: what is whole is shipped, the rest is set aside and said', async (t) => {
  const sink = new Sink()
  const { folder, spool, writer, said } = writerOf(t, sink)
  await until("writer.status().state === 'shipping'", () => writer.status().state === 'shipping')
  sink.away = true
  await spool.append(records(400))
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  const file = (await readdir(folder)).find((name) => name.endsWith('.segment'))
  const bytes = await readFile(join(folder, file!))
  const lines = bytes.toString('latin1').split(/(?<=\n)/)
  lines[100] = `${'\0\xff'.repeat(100_000)}\n` // longer than any record, over several chunks
  lines[200] = lines[200]!.replace('player', 'hacker')
  await writeFile(
    join(folder, file!),
    Buffer.from(lines.join('') + lines.join('').slice(0, 10_007), 'latin1'),
  )
  sink.away = false
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
  t.equal(new Set(sink.shipped).size, 398)
  t.ok(sink.shipped.length > 398, 'doubled records are the sink’s to sort out')
  t.ok(writer.status().quarantined >= 2)
  t.ok(said.some((message) => message.startsWith('a segment held bytes that are no records')))
  t.ok(said.includes('cut the torn end of a segment'))
  const aside = await readFile(join(folder, 'quarantine', file!), 'latin1')
  t.ok(aside.includes(lines[200]))
})

t.test('a segment that cannot be read holds up no other', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { folder, spool, writer, said } = writerOf(t, sink)
  await spool.append(records(1))
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  const first = (await spool.waiting())[0]!
  const more = records(2)
  await spool.append(more)
  await rm(first.path)
  await mkdir(first.path)
  sink.away = false
  await until('spool.status().bytes === 0', () => spool.status().bytes === 0)
  t.same(sink.shipped, idsOf(more))
  t.equal((await readdir(join(folder, 'quarantine'))).length, 1)
  t.equal(writer.status().quarantined, 1)
  t.ok(said.some((message) => message.startsWith('a segment cannot be read')))
})

t.test('maintenance that fails holds up nothing', async (t) => {
  const sink = new Sink()
  sink.unmaintainable = true
  const { spool, writer, said } = writerOf(t, sink)
  const all = records(1)
  await spool.append(all)
  await until('sink.shipped.length === 1', () => sink.shipped.length === 1)
  t.equal(writer.status().lastError, null)
  t.same(said, ['maintenance failed'])
})

t.test('closing ships what is left, even while backing off', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { spool, writer } = writerOf(t, sink)
  const all = records(2)
  await spool.append(all)
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  sink.away = false
  await writer.close(60_000)
  t.same(sink.shipped, idsOf(all))
  t.equal(writer.status().state, 'closed')
})

t.test('closing gives up at its deadline and leaves the rest in the spool', async (t) => {
  for (const fault of ['away', 'hangs'] as const) {
    const sink = new Sink()
    sink.away = fault === 'away'
    if (fault === 'hangs') sink.gate = new Promise(() => {})
    const { folder, spool, writer } = writerOf(t, sink)
    await spool.append(records(1))
    await writer.close(50)
    t.equal(writer.status().state, 'closed')
    t.ok(spool.status().bytes > 0)
    t.equal((await readdir(folder)).filter((file) => file.endsWith('.segment')).length, 1)
  }
})

t.test('closing with nothing left waits for no sink', async (t) => {
  const sink = new Sink()
  sink.away = true
  const { writer } = writerOf(t, sink)
  await until("writer.status().state === 'backing-off'", () => writer.status().state === 'backing-off')
  await writer.close(600_000)
  t.equal(writer.status().state, 'closed')
})
