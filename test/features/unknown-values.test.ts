/**
 * Texts that a model does not know, each with one reason.
 */
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { type UnknownKind, UnknownValues } from '../../src/features/index.ts'
import { parseInputSchema } from '../../src/inputs/index.ts'
import { EXAMPLE, type Install, rowOf } from '../example.ts'

/** The champion's training data has other regions than Madrid, and fewer of the first event. */
const KNOWN = { ...EXAMPLE, country_region: 'belville', event_1: 1 }
const { unknownValues } = await loadBundle('artifacts/champion')

function found(install: Partial<Install>): string[] {
  const found: string[] = []
  const put = ({ field, reason }: UnknownKind, text: string) => found.push(`${field} ${reason} ${text}`)
  unknownValues.note(rowOf({ ...KNOWN, ...install }), (kind, text) => put(unknownValues.kinds[kind]!, text))
  return found
}

t.test('each reason, with the text as it came; the second time as the first', (t) => {
  for (const _ of [1, 2]) {
    t.same(found({}), [], 'all of it is known')
    t.same(found({ country: 'US' }), [], 'read as the model reads it')
    t.same(found({ country: 'us ' }), ['country blanks us '])
    t.same(found({ country: '\tus' }), ['country blanks \tus'])
    t.same(found({ country: ' ' }), ['country blanks  '])
    t.same(found({ country: 'atlantis' }), ['country unseen atlantis'])
    for (const marker of ['NULL', 'N/A', '-', 'None'])
      t.same(found({ source: marker }), [`source marker ${marker}`])
    t.same(found({ country: null, source: '', os_version: null }), [], 'what is missing is not unknown')
  }
  t.end()
})

t.test('of a text that the plan does not look up, only what is wrong with any text', (t) => {
  t.same(found({ os_version: '99.99' }), [])
  t.same(found({ os_version: '14.1 ', country: 'atlantis' }), [
    'country unseen atlantis',
    'os_version blanks 14.1 ',
  ])
  t.same(found({ os_version: 'undefined' }), ['os_version marker undefined'])
  t.end()
})

t.test('what training saw is known, however it looks', (t) => {
  const inputs = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [
      { name: 'n', kind: 'number' },
      { name: 'channel', kind: 'text' },
    ],
    target: { name: 'revenue', horizonDays: 7 },
  })
  const values = new UnknownValues(
    inputs,
    new Map([['channel', { names: ['none', 'web '], fold: (text) => text }]]),
  )
  t.same(
    values.kinds.map(({ field, reason }) => `${field} ${reason}`),
    ['channel blanks', 'channel marker', 'channel unseen'],
  )
  const count = (text: string) => {
    let times = 0
    values.note([1, text], () => times++)
    return times
  }
  t.same(['none', 'web ', 'web', 'nil', 'constructor'].map(count), [0, 0, 1, 1, 1])
  t.end()
})

t.test('numbers outside of what training saw, and times before it', (t) => {
  const inputs = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [
      { name: 'spent', kind: 'number' },
      { name: 'unranged', kind: 'number' },
      { name: 'at', kind: 'time' },
      { name: 'is new', kind: 'boolean' },
    ],
    target: { name: 'revenue', horizonDays: 7 },
  })
  const DAY = 86_400_000
  const values = new UnknownValues(
    inputs,
    new Map(),
    new Map([
      ['spent', { minimum: 0, maximum: 412 }],
      ['at', { minimum: DAY, maximum: 2 * DAY }],
      ['gone', { minimum: 0, maximum: 1 }],
    ]),
  )
  t.same(values.kinds, [
    { field: 'spent', reason: 'outside', trained: { from: 0, to: 412 } },
    { field: 'at', reason: 'outside', trained: { from: '1970-01-02T00:00:00.000Z', to: null } },
  ])
  const found = (spent: number | null, at: number | null) => {
    const found: string[] = []
    values.note([spent, 1e300, at, 0], (kind, text) => found.push(`${values.kinds[kind]!.field} ${text}`))
    return found
  }
  for (const [spent, at] of [
    [0, DAY],
    [412, 2 * DAY],
    [null, null],
    [5e-324, 3e12],
  ] as const)
    t.same(found(spent, at), [], 'both ends are inside, and all that comes later')
  t.same(found(412.5, DAY), ['spent 412.5'])
  t.same(found(-1, 0), ['spent -1', 'at 1970-01-01T00:00:00.000Z'])
  t.same(new UnknownValues(inputs, new Map()).kinds, [], 'of a bundle without ranges nothing is said')
  t.end()
})
