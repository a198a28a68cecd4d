/**
 * The split of the traffic: one of the settings, one that was kept, and what a process knows while the store is away.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { until } from '../until.ts'
import {
  type Traffic,
  TrafficControl,
  type TrafficSetting,
  type TrafficStore,
} from '../../src/rollout/index.ts'

const SETTINGS: Traffic = { challengerShare: 0.1, salt: 'day7', shadow: false }
const CALLED: Traffic = { challengerShare: 0.5, salt: 'day7', shadow: true }

/** A store as the database is one, shared by all that are given it. */
function store() {
  let kept: TrafficSetting | null = null
  let time = 0
  const world = { away: false, adoptions: 0, asked: 0 }
  const ask = async <T>(answer: () => T): Promise<T> => {
    await delay(0)
    world.asked++
    if (world.away) throw new Error('ECONNREFUSED')
    return answer()
  }
  /** The clock goes backwards: only the order of the changes counts. */
  const keep = (traffic: Traffic, origin: TrafficSetting['origin']): TrafficSetting =>
    (kept = { ...traffic, origin, id: ++time, since: new Date(1e12 - time * 1000) })
  const calls: TrafficStore = {
    adopt: (settings) =>
      ask(() => {
        world.adoptions++
        return kept ?? keep(settings, 'settings')
      }),
    latest: () => ask(() => kept),
    keep: (traffic, otherwise, origin) => ask(() => keep({ ...(kept ?? otherwise), ...traffic }, origin)),
  }
  return { ...calls, world }
}

function folder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'day7-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

function controlOn(t: Test, store: TrafficStore, file: string) {
  const directed: Traffic[] = []
  const warned: string[] = []
  const control = new TrafficControl({
    settings: SETTINGS,
    store,
    file,
    rollout: { direct: (traffic) => void directed.push(traffic) },
    pollMs: 5,
    logger: { info: () => {}, warn: (_, message) => void warned.push(message) },
  })
  t.teardown(() => control.stop())
  return { control, directed, warned }
}

t.test('all processes have what was kept last', async (t) => {
  const shared = store()
  const [one, two] = [1, 2].map((process) => controlOn(t, shared, join(folder(t), `${process}.json`)))
  await Promise.all([one!.control.start(), two!.control.start()])
  t.match(one!.control.current(), { ...SETTINGS, origin: 'settings' }, 'nothing is waited for')
  const set = await one!.control.set(CALLED)
  t.match(set, { ...CALLED, origin: 'admin' })
  t.same(one!.directed.at(-1), CALLED, 'at once')
  await until('it is so', () => two!.control.current().origin === 'admin')
  t.same(two!.directed.at(-1), CALLED)
  t.match(two!.warned, [/set at run time; ROLLOUT/])
  t.same(two!.control.current(), set)

  await two!.control.set({ challengerShare: 0.4 })
  t.match(two!.control.current(), { ...CALLED, challengerShare: 0.4 }, 'what is left out stays')
  await Promise.all([one!.control.set({ salt: 'x' }), two!.control.set({ challengerShare: 0.6 })])
  await until('it is so', () => one!.control.current().challengerShare === 0.6)
  t.match(one!.control.current(), { challengerShare: 0.6, salt: 'x', shadow: true }, 'nothing is lost')

  t.match(await two!.control.reset(), { ...SETTINGS, origin: 'settings' })
  await until('it is so', () => one!.control.current().origin === 'settings')
  t.same(one!.directed.at(-1), SETTINGS)
})

t.test('while the store is away, what is in force stays, also after a new start', async (t) => {
  const shared = store()
  const file = join(folder(t), 'sub', 'rollout.json')
  const first = controlOn(t, shared, file)
  await first.control.start()
  await first.control.set(CALLED)
  shared.world.away = true
  await t.rejects(first.control.set({ ...CALLED, challengerShare: 1 }), { message: 'ECONNREFUSED' })
  t.match(first.control.current(), CALLED)
  await first.control.stop()

  const second = controlOn(t, shared, file)
  await second.control.start()
  t.match(second.control.current(), { ...CALLED, origin: 'admin' })
  t.same(second.directed, [CALLED])
  shared.world.away = false
  await shared.keep({ challengerShare: 0.2 }, SETTINGS, 'admin')
  await until('it is so', () => second.control.current().challengerShare === 0.2)
  await second.control.stop()
  t.match(JSON.parse(readFileSync(file, 'utf8')), { challengerShare: 0.2, origin: 'admin' })
})

t.test('a file that makes no sense is none', async (t) => {
  const shared = store()
  shared.world.away = true
  const file = join(folder(t), 'rollout.json')
  for (const text of ['', '{', '{"challengerShare":7,"salt":"","shadow":true,"origin":"admin"}', '[]']) {
    writeFileSync(file, text)
    const { control, directed } = controlOn(t, shared, file)
    await control.start()
    t.match(control.current(), { ...SETTINGS, origin: 'settings', since: null })
    t.same(directed, [])
    await control.stop()
  }
})

t.test('settings are adopted once the store is there', async (t) => {
  const shared = store()
  shared.world.away = true
  const { control } = controlOn(t, shared, join(folder(t), 'rollout.json'))
  await control.start()
  const askedAgain = (times: number) => {
    const before = shared.world.asked
    return until('it asks again', () => shared.world.asked >= before + times)
  }
  await askedAgain(2)
  t.equal(shared.world.adoptions, 0)
  shared.world.away = false
  await until('settings are adopted', () => control.current().since !== null)
  await askedAgain(3)
  t.equal(shared.world.adoptions, 1)
})
