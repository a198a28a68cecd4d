/**
 * A split that is not the one that was set is found, and a right one raises no alarm.
 */
import t from 'tap'
import { sampleRatio } from '../../src/experiments/sample-ratio.ts'
import { Players } from './players.ts'

t.test('p-values by the table of chi-square', async (t) => {
  // Of 10,000 halves, 98 from the middle are χ² = 3.8416; 164.5 are 10.82.
  for (const [champion, challenger, wanted] of [
    [5000, 5000, 1],
    [5098, 4902, 0.05],
    [4902, 5098, 0.05],
    [4835.5, 5164.5, 0.001],
  ] as const)
    t.ok(Math.abs(sampleRatio(champion, challenger, 0.5)!.pValue / wanted - 1) < 0.005, `${challenger}`)
})

t.test('55 to 45 where halves were set', async (t) => {
  t.match(sampleRatio(5500, 4500, 0.5), { champion: 5500, challenger: 4500, mismatch: true })
  t.match(sampleRatio(55, 45, 0.5), { mismatch: false }, 'of a hundred users it may be chance')
  t.match(sampleRatio(5500, 4500, 0.45), { mismatch: false }, 'as it was set')
  t.match(sampleRatio(90_000, 10_500, 0.1), { mismatch: true })
})

t.test('nobody, or nothing to split', async (t) => {
  t.equal(sampleRatio(0, 0, 0.5), null)
  t.equal(sampleRatio(10, 0, 0), null)
  t.equal(sampleRatio(0, 10, 1), null)
})

t.test('right splits raise alarms as seldom as they should', async (t) => {
  const players = new Players(11, 1)
  const rounds = 5000
  let [belowFivePercent, alarms] = [0, 0]
  for (let round = 0; round < rounds; round++) {
    const challenger = players.count(1000, 0.1)
    const { pValue, mismatch } = sampleRatio(1000 - challenger, challenger, 0.1)!
    belowFivePercent += Number(pValue < 0.05)
    alarms += Number(mismatch)
  }
  t.ok(belowFivePercent > 200 && belowFivePercent < 300, `${belowFivePercent} of 5000 below 5 %`)
  t.ok(alarms <= 15, `${alarms} of 5000 alarms where 5 are expected`)
})
