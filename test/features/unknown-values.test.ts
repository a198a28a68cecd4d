/**
 * Texts that a model does not know, each with one reason.
 */
import t from 'tap'
import { loadBundle } from '../../src/bundle/index.ts'
import { type UnknownKind, UnknownValues } from '../../src/features/index.ts'
import { parseInputSchema } from '../../src/inputs/index.ts'
import { EXAMPLE, type Install, rowOf } from '../example.ts'

/** The champion's training data has other regions than Madrid. */
const KNOWN = { ...EXAMPLE, country_region: 'belville' }
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
