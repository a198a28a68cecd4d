/**
 * Who is answered by whom: the same arm for the same key, in every process and after every restart.
 */
import t from 'tap'
import type { Bundle } from '../../src/bundle/index.ts'
import { Rollout, type Traffic } from '../../src/rollout/index.ts'
import { EXAMPLE_ROW } from '../example.ts'
import { placeOf } from '../../src/rollout/serving.ts'

const NOW = new Date('2026-01-01T00:00:00.000Z')
const bundleOf = (version: string, predict?: Bundle['predict']) =>
  ({ manifest: { version, files: new Map([['model.json', version]]) }, predict }) as unknown as Bundle
const [first, second, third] = ['first', 'second', 'third'].map((version) => bundleOf(version))

function rolloutWith(traffic: Partial<Traffic>): Rollout {
  const rollout = new Rollout({
    traffic: { challengerShare: 0, salt: 'day7', shadow: false, ...traffic },
    now: () => NOW,
  })
  rollout.place('champion', first!, 'a')
  rollout.place('challenger', second!, 'b')
  return rollout
}

const keys = Array.from({ length: 20_000 }, (_, i) => `player ${i}`)
const challengersOf = (rollout: Rollout): Set<string> =>
  new Set(keys.filter((key) => rollout.current()!.assign(key).variant === 'challenger'))

t.test('the place of a key is what Python’s hashlib makes of it', (t) => {
  t.equal(placeOf('day7', 'player 1'), 0.5946832008316285)
  t.equal(placeOf('day7', 'player 2'), 0.24964645909934902)
  t.equal(placeOf('', 'é'), 0.13013020449225365)
  t.equal(placeOf('salt', ''), 0.904100851563193)
  t.end()
})

t.test('the share is kept, and raising it only adds keys', (t) => {
  let before = new Set<string>()
  for (const challengerShare of [0, 0.001, 0.1, 0.5, 0.9, 1]) {
    const now = challengersOf(rolloutWith({ challengerShare }))
    const expected = challengerShare * keys.length
    const spread = Math.sqrt(expected * (1 - challengerShare))
    t.ok(Math.abs(now.size - expected) <= 4 * spread, `${now.size} of ${keys.length} at ${challengerShare}`)
    t.ok(before.isSubsetOf(now), 'nobody who was in it leaves it')
    before = now
  }
  t.end()
})

t.test('another salt deals anew', (t) => {
  const one = challengersOf(rolloutWith({ challengerShare: 0.5 }))
  const other = challengersOf(rolloutWith({ challengerShare: 0.5, salt: 'again' }))
  const both = one.intersection(other).size
  t.ok(Math.abs(both - keys.length / 4) < 4 * Math.sqrt((keys.length * 3) / 16), `${both} are in both`)
  t.end()
})

t.test('a challenger without an answer gives way to the champion', (t) => {
  const answering = (revenue: number) =>
    bundleOf(String(revenue), () => ({ revenue, rawScore: 0, interval: null }))
  const failing = bundleOf('failing', () => {
    throw new RangeError('model m failing answered NaN, not a finite number')
  })
  const rollout = new Rollout({ traffic: { challengerShare: 1, salt: '', shadow: false }, now: () => NOW })
  rollout.place('champion', answering(1), 'a')
  rollout.place('challenger', answering(2), 'b')
  t.match(rollout.current()!.predict('x', EXAMPLE_ROW), { variant: 'challenger', prediction: { revenue: 2 } })
  t.equal(rollout.fallbacks(), 0)
  rollout.place('challenger', failing, 'c')
  t.match(rollout.current()!.predict('x', EXAMPLE_ROW), { variant: 'champion', prediction: { revenue: 1 } })
  t.equal(rollout.fallbacks(), 1)
  rollout.place('champion', failing, 'd')
  t.throws(() => rollout.current()!.predict('x', EXAMPLE_ROW), RangeError)
  t.end()
})

t.test('slots', (t) => {
  const changes: unknown[] = []
  const rollout = new Rollout({
    traffic: { challengerShare: 1, salt: '', shadow: true },
    now: () => NOW,
    onChange: ({ variant, slot }) => changes.push([variant, slot?.origin ?? null]),
  })
  t.equal(rollout.current(), null, 'nothing to answer with')
  rollout.place('challenger', second!, 'b')
  t.equal(rollout.current(), null, 'a challenger alone does not serve')
  rollout.place('champion', first!, 'a')

  const old = rollout.current()!
  t.same(old.assign('x'), { bundle: second, variant: 'challenger' })
  t.equal(old.shadow, second)
  t.match(old.slots, { champion: { bundle: first, origin: 'a', since: NOW } })

  rollout.place('champion', third!, 'c')
  t.equal(old.champion.bundle, first, 'a request keeps what it took')
  t.equal(rollout.current()!.champion.bundle, third)

  rollout.direct({ challengerShare: 0, salt: '', shadow: false })
  t.equal(rollout.current()!.assign('x').bundle, third)
  t.equal(rollout.current()!.shadow, null)

  rollout.direct({ challengerShare: 1, salt: '', shadow: true })
  rollout.place('challenger', third!, 'c too')
  t.equal(rollout.current()!.assign('x').variant, 'champion', 'a model is not compared with itself')
  t.equal(rollout.current()!.shadow, null)
  rollout.place('challenger', second!, 'b')
  t.equal(rollout.current()!.assign('x').variant, 'challenger')
  rollout.clearChallenger()
  rollout.clearChallenger()
  t.equal(rollout.current()!.assign('x').bundle, third, 'without a challenger the champion answers all')
  t.equal(rollout.current()!.shadow, null)
  t.same(changes, [
    ['challenger', 'b'],
    ['champion', 'a'],
    ['champion', 'c'],
    ['challenger', 'c too'],
    ['challenger', 'b'],
    ['challenger', null],
  ])
  t.end()
})
