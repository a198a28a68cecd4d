/**
 * What is compared with what, and that it is done in another thread with the same result.
 */
import t from 'tap'
import { type Arms, compare } from '../../src/experiments/compare.ts'
import { compareAside } from '../../src/experiments/index.ts'
import { FAIR, NO_ARM, NO_PAIRS, Players } from './players.ts'

const NOTHING: Arms = {
  pairs: NO_PAIRS,
  champion: NO_ARM,
  challenger: NO_ARM,
  split: null,
  failures: { asked: 0, failed: 0 },
}
const players = new Players(9, 1)
const SPLIT = { challengerShare: 0.5, champion: 800, challenger: 800 }
const pairs = players.pairs(800, FAIR, { noise: 1, level: 1.1 })
const champion = players.arm(800, FAIR)
const challenger = players.arm(800, FAIR)
const compareFew = (arms: Partial<Arms>) => compare({ ...NOTHING, ...arms }, 50)

t.test('paired where there are enough pairs, else between the arms', async (t) => {
  t.match(compareFew({ pairs, champion, challenger, split: SPLIT }), { basis: 'paired' })
  t.match(compareFew({ pairs }), { basis: 'paired', sampleRatio: null })
  t.match(compareFew({ champion, challenger, split: SPLIT }), {
    basis: 'between',
    sampleRatio: { pValue: 1 },
  })
  const fewPairs = players.pairs(100, FAIR, FAIR)
  t.match(compareFew({ pairs: fewPairs, champion, challenger, split: SPLIT }), { basis: 'between' })
  t.match(
    compareFew({ pairs: fewPairs, champion, challenger: players.arm(100, FAIR), split: SPLIT }),
    {
      basis: 'paired',
      verdict: 'not yet known',
      reason: /too few have matured: of the users that both models answered, 100,/,
      differences: { mae: { interval: null } },
    },
    'too few of both: figures, and no intervals',
  )
  const fewArms = compareFew({ champion, challenger: players.arm(100, FAIR), split: SPLIT })
  t.match(fewArms, {
    basis: 'between',
    verdict: 'not yet known',
    reason: /of the users that the challenger answered, 100,/,
    differences: { mae: { interval: null } },
  })
  t.type(fewArms.differences!.mae.difference, 'number')
})

t.test('nothing to compare', async (t) => {
  for (const arms of [{}, { champion }, { challenger }]) {
    const { basis, differences, verdict, reason } = compareFew(arms)
    t.same([basis, differences, verdict], [null, null, 'not yet known'])
    t.match(reason, /no matured predictions of both models/)
  }
})

t.test('how many', async (t) => {
  const three = {
    actual: Float64Array.of(1, 2, 0, 0),
    predicted: Float64Array.of(1, 1, 1, 1),
    user: Uint32Array.of(0, 0, 1, 2),
    users: 3,
  }
  t.match(compareFew({ champion: three }).champion, { users: 3, predictions: 4, payers: 1 })
})

t.test('a mismatch stands in the way of the arms, not of the pairs', async (t) => {
  const split = { ...SPLIT, challenger: 500 }
  t.match(compareFew({ champion, challenger, split }), {
    verdict: 'not yet known',
    reason: /sample ratio mismatch/,
    sampleRatio: { mismatch: true },
  })
  const { reason, sampleRatio } = compareFew({ pairs, champion, challenger, split })
  t.notMatch(reason, /mismatch/)
  t.match(sampleRatio, { mismatch: true })
})

t.test('a challenger that fails often is not better, however well it does otherwise', (t) => {
  const better = { ...pairs, challenger: pairs.actual.slice() }
  t.match(compareFew({ pairs: better, failures: { asked: 1000, failed: 10 } }), { verdict: 'better' })
  t.match(compareFew({ pairs: better, failures: { asked: 1000, failed: 11 } }), {
    verdict: 'not yet known',
    reason: 'the challenger had no finite answer for 11 of 1000 predictions (1.1 %), which are not compared',
    differences: { mae: { challenger: 0 } },
  })
  const worse = { ...pairs, challenger: pairs.champion.map((revenue) => revenue * 5 + 5) }
  t.match(compareFew({ pairs: worse, failures: { asked: 1000, failed: 900 } }), { verdict: 'worse' })
  t.end()
})

t.test('two models that say the same', async (t) => {
  const { verdict, differences } = compareFew({ pairs: { ...pairs, challenger: pairs.champion } })
  t.equal(verdict, 'not yet known')
  t.match(differences!.mae, { difference: 0, interval: { low: 0, high: 0 } })
})

t.test('in another thread: the same, and the same again', async (t) => {
  const arms = (): Arms => structuredClone({ ...NOTHING, pairs, champion, challenger, split: SPLIT })
  const wanted = compare(arms())
  const given = arms()
  t.same(await compareAside(given), wanted)
  t.equal(given.pairs.actual.length, 0, 'the arrays were handed over')
  t.same(await compareAside(arms()), wanted)
  const tooGreat = structuredClone({ ...NOTHING, pairs: { ...NO_PAIRS, users: 1e12 } })
  await t.rejects(compareAside(tooGreat), { code: 'COMPARISON_FAILED' })
})
