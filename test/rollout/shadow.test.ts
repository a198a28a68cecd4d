/**
 * The shadow scores after the answers, and nothing that it does reaches them.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import type { Bundle } from '../../src/bundle/index.ts'
import { NINE_FIELDS } from '../../src/inputs/index.ts'
import { type Offered, type Scorable, Shadow, type ShadowScore } from '../../src/rollout/index.ts'
import { EXAMPLE_ROW } from '../example.ts'

interface Scored extends Scorable {
  readonly id: number
}

const offers = (count: number, from = 0): Offered<Scored>[] =>
  Array.from({ length: count }, (_, i) => ({
    record: { id: from + i, inputs: NINE_FIELDS, row: EXAMPLE_ROW },
    rowFor: () => null,
  }))

function shadowOn(predict: Bundle['predict']) {
  const kept: ShadowScore<Scored>[] = []
  const failures: string[] = []
  const shadow = new Shadow<Scored>(
    (scores) => void kept.push(...scores),
    (error) => failures.push((error as Error).message),
  )
  return { shadow, kept, failures, bundle: { predict, inputs: NINE_FIELDS } as unknown as Bundle }
}

async function untilIdle(shadow: Shadow<Scored>, offered: number): Promise<void> {
  for (;;) {
    const { scored, failed, skipped } = shadow.counts()
    if (scored + failed + skipped === offered) return
    await nextTurn()
  }
}

t.test('in a later turn, in order', async (t) => {
  const { shadow, kept, bundle } = shadowOn(() => ({ revenue: 2, rawScore: 1, interval: null }))
  shadow.offer(bundle, offers(3))
  t.same(kept, [], 'not while it is offered')
  shadow.offer(bundle, offers(1, 3))
  await untilIdle(shadow, 4)
  t.same(
    kept.map(({ record, revenue, rawScore }) => [record.id, revenue, rawScore]),
    [0, 1, 2, 3].map((id) => [id, 2, 1]),
  )
  t.ok(kept.every(({ inferenceTimeUs }) => inferenceTimeUs >= 0))
  t.same(shadow.counts(), { scored: 4, failed: 0, skipped: 0 })
})

t.test('what fails is counted, and the next one is scored', async (t) => {
  let calls = 0
  const { shadow, kept, failures, bundle } = shadowOn(() => {
    if (calls++ % 2 === 0) throw new RangeError('model x answered NaN, not a finite number')
    return { revenue: 2, rawScore: 1, interval: null }
  })
  shadow.offer(bundle, offers(4))
  await untilIdle(shadow, 4)
  t.same(
    kept.map(({ record, revenue }) => [record.id, revenue]),
    [
      [0, NaN],
      [1, 2],
      [2, NaN],
      [3, 2],
    ],
    'as a failure',
  )
  t.match(shadow.counts(), { scored: 2, failed: 2 })
  t.match(failures, [/answered NaN/, /answered NaN/])
})

t.test('one that is slow gives the event loop back, and what is too much is left out', async (t) => {
  let longestMs = 0
  const { shadow, kept, bundle } = shadowOn(() => {
    const end = performance.now() + 0.1
    while (performance.now() < end);
    return { revenue: 2, rawScore: 1, interval: null }
  })
  shadow.offer(bundle, offers(25_000))
  t.equal(shadow.counts().skipped, 5_000)
  while (kept.length < 500) {
    const before = kept.length
    await nextTurn()
    longestMs = Math.max(longestMs, kept.length - before)
  }
  t.ok(longestMs <= 20, `at most ${longestMs} scores of 0.1 ms in a turn`)
})
