/**
 * Which findings lead to which verdict, and what the reason says.
 */
import t from 'tap'
import type { Difference, Differences } from '../../src/experiments/difference.ts'
import { sampleRatio } from '../../src/experiments/sample-ratio.ts'
import { judgeBetween, judgePaired } from '../../src/experiments/verdict.ts'

const of = (champion: number, challenger: number, margin: number | null): Difference => {
  const difference = challenger - champion
  const interval = margin === null ? null : { low: difference - margin, high: difference + margin }
  return { champion, challenger, difference, interval }
}

const found = (part: Partial<Differences>): Differences => ({
  mae: of(0.5, 0.4, 0.05),
  normalisedGini: of(0.8, 0.81, 0.05),
  biasRatio: of(1, 0.9, 0.2),
  biasDistance: of(0, 0.1, 0.2),
  ...part,
})

const ENOUGH = { users: 1000, predictions: 1200, payers: 60 }

const verdictOf = (part: Partial<Differences>) => judgePaired(ENOUGH, found(part))

t.test('better, worse, not yet known', async (t) => {
  t.match(verdictOf({}), {
    verdict: 'better',
    reason:
      'lower mean absolute error 0.4 instead of 0.5, difference -0.1 (95 % interval -0.15 to -0.05); neither order nor bias is surely worse',
  })
  t.match(verdictOf({ mae: of(0.4, 0.5, 0.05) }), {
    verdict: 'worse',
    reason: /^higher .* 0\.5 instead of 0\.4/,
  })
  t.match(verdictOf({ mae: of(0.5, 0.4, 0.1) }), { verdict: 'not yet known', reason: /may be chance/ })
  t.match(verdictOf({ mae: of(0.4, 0.4, 0) }), { verdict: 'not yet known' }, 'two that say the same')
})

t.test('a lower error is not better if something else is surely worse', async (t) => {
  t.match(verdictOf({ biasRatio: of(1, 0.4, 0.1), biasDistance: of(0, 0.9, 0.2) }), {
    verdict: 'not yet known',
    reason: /but a worse bias: predictions over revenue 0\.4 instead of 1$/,
  })
  t.match(verdictOf({ normalisedGini: of(0.8, 0.6, 0.1) }), {
    verdict: 'not yet known',
    reason: /but a worse order: normalised Gini 0\.6 instead of 0\.8$/,
  })
  const nothing = { champion: 0.1, challenger: Infinity, difference: Infinity, interval: null }
  t.match(verdictOf({ biasRatio: of(1, 0, null), biasDistance: nothing }), { reason: /but a worse bias/ })
  t.match(verdictOf({ normalisedGini: of(0.8, NaN, null) }), {
    verdict: 'not yet known',
    reason: /cannot be told/,
  })
  t.match(
    verdictOf({ mae: of(0.4, 0.5, 0.05), normalisedGini: of(0.6, 0.8, 0.1) }),
    { verdict: 'worse' },
    'a better order does not help',
  )
})

t.test('too few', async (t) => {
  for (const few of [
    { ...ENOUGH, users: 199 },
    { ...ENOUGH, payers: 49 },
  ]) {
    const reason = new RegExp(`${few.users}, of whom ${few.payers} paid; expected at least 200 and 50$`)
    t.match(judgePaired(few, found({})), { verdict: 'not yet known', reason })
    const ratio = sampleRatio(500, 500, 0.5)
    t.match(judgeBetween(few, ENOUGH, ratio, found({})), { verdict: 'not yet known', reason })
    t.match(judgeBetween(ENOUGH, few, ratio, found({})), { verdict: 'not yet known', reason })
  }
})

t.test('between arms that are not what was set', async (t) => {
  t.match(judgeBetween(ENOUGH, ENOUGH, sampleRatio(5000, 5000, 0.5), found({})), { verdict: 'better' })
  t.match(judgeBetween(ENOUGH, ENOUGH, sampleRatio(5500, 4500, 0.5), found({})), {
    verdict: 'not yet known',
    reason:
      /^sample ratio mismatch: the challenger has 45 % of the users where 50 % were expected \(p = 1\.52e-23\)/,
  })
  t.match(judgeBetween(ENOUGH, ENOUGH, null, found({})), {
    verdict: 'not yet known',
    reason: /not on record/,
  })
})
