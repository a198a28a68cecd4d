/**
 * Softmax of many classes: within 2 ulp of LightGBM, which takes glibc's exp.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { parseModel } from '../../src/ensemble/index.ts'
import { expOf } from '../../src/ensemble/exponential.ts'
import { NONE, ulpDifference } from './zoo/difference.ts'

t.test('thirteen classes', (t) => {
  const expected = JSON.parse(readFileSync('test/fixtures/models/09-expected.json', 'utf8')) as number[]
  const ensemble = parseModel(readFileSync('test/fixtures/models/09-softmax-13-classes.txt', 'utf8'))
  const actual = ensemble.predict(new Float64Array(1)) as Float64Array
  t.equal(ulpDifference(actual, Float64Array.from(expected), 13, 2), NONE)
  t.end()
})

t.test('exp beside Math.exp', (t) => {
  for (let x = 0; x > -760; x -= 0.013) {
    const [actual, expected] = [expOf(x), Math.exp(x)]
    if (Math.abs(actual - expected) > expected * 2 ** -52) t.fail(`exp(${x}): ${expected}, got ${actual}`)
  }
  for (const x of [0, -0, -Infinity, NaN, Infinity, 1]) t.ok(Object.is(expOf(x), Math.exp(x)), String(x))
  t.end()
})
