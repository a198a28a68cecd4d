/**
 * `profile.json`: what is taken, and what is refused with the place, what was expected and what came.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { readProfile } from '../../src/bundle/profile.ts'

const histogram = { edges: [0, 1], counts: [5, 3, 2], missing: 1 }
const document = {
  format: 'day7-profile/1',
  rows: 11,
  features: { a: histogram, b: histogram },
  predictions: histogram,
}

t.test('the features, in the model’s order', (t) => {
  const { features, predictions } = readProfile(document, ['b', 'a'])
  t.same(features, [
    { name: 'b', ...histogram },
    { name: 'a', ...histogram },
  ])
  t.same(predictions, histogram)
  t.same(
    readProfile({ ...document, predictions: { edges: [], counts: [11], missing: 0 } }, []).predictions.counts,
    [11],
    'a constant has one bin',
  )
  t.end()
})

t.test('the shipped one has every feature', (t) => {
  const { features } = JSON.parse(readFileSync('artifacts/champion/manifest.json', 'utf8'))
  const profile = readProfile(JSON.parse(readFileSync('artifacts/champion/profile.json', 'utf8')), features)
  for (const { name, counts, missing } of [
    ...profile.features,
    { name: 'predictions', ...profile.predictions },
  ])
    t.equal(
      counts.reduce((sum, count) => sum + count, missing),
      20_000,
      name,
    )
  t.end()
})

t.test('the range of fields, where the file has one', (t) => {
  const fields = { sessions: { minimum: -1, maximum: 7.5 }, installed: { minimum: 0, maximum: 0 } }
  t.same([...readProfile({ ...document, fields }, ['a']).ranges], Object.entries(fields))
  t.equal(readProfile(document, ['a']).ranges.size, 0, 'none from before')
  t.end()
})

t.test('what is refused', (t) => {
  const refused: [unknown, string][] = [
    [{ ...document, format: 'day7-profile/2' }, 'expected format "day7-profile/1", got "day7-profile/2"'],
    [{ ...document, features: { a: histogram } }, 'expected features.b to be an object, got undefined'],
    [{ ...document, predictions: null }, 'expected predictions to be an object, got null'],
    [
      { ...document, predictions: { ...histogram, edges: [1, 0] } },
      'expected predictions.edges to be rising numbers, got [1,0]',
    ],
    [
      { ...document, predictions: { ...histogram, edges: [0, null] } },
      'expected predictions.edges to be rising numbers, got [0,null]',
    ],
    [
      { ...document, predictions: { ...histogram, counts: [5, 3] } },
      'expected predictions.counts to be 3 counts, and missing one, got [5,3] and 1',
    ],
    [
      { ...document, predictions: { ...histogram, missing: -1 } },
      'expected predictions.counts to be 3 counts, and missing one, got [5,3,2] and -1',
    ],
    [{ ...document, fields: [] }, 'expected fields to be an object, got []'],
    [
      { ...document, fields: { a: { minimum: 1 } } },
      'expected fields.a.maximum to be a number, got undefined',
    ],
    [
      { ...document, fields: { a: { minimum: 1, maximum: 0 } } },
      'expected fields.a to have a finite minimum that is not above its maximum, got 1 and 0',
    ],
  ]
  for (const [wrong, message] of refused)
    t.throws(() => readProfile(wrong, ['a', 'b']), { name: 'TypeError', message })
  t.end()
})
