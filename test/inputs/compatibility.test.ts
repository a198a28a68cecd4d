/**
 * Two schemas → why the next would refuse requests that the present one accepts.
 */
import t from 'tap'
import { incompatibilities, NINE_FIELDS, parseInputSchema } from '../../src/inputs/index.ts'
import { schemaOf } from './values.ts'

const text = { name: 'a', kind: 'text' }
const number = { name: 'a', kind: 'number' }
const boolean = { name: 'a', kind: 'boolean' }
const time = { name: 'a', kind: 'time' }
const other = { name: 'b', kind: 'number' }

const between = (present: object[], next: object[]) => incompatibilities(schemaOf(present), schemaOf(next))

t.test('what refuses nothing has no reason', (t) => {
  t.strictSame(incompatibilities(NINE_FIELDS, NINE_FIELDS), [])
  for (const [present, next, about] of [
    [[text, other], [other, text], 'another order'],
    [[text], [text, { ...other, required: false }], 'a new field that may be absent'],
    [[{ ...text, nullable: false }], [text], 'null is taken'],
    [[text], [{ ...text, required: false }], 'it may be absent'],
    [[{ ...number, minimum: 0, maximum: 5 }], [{ ...number, minimum: -1, maximum: 6 }], 'wider bounds'],
    [[text], [{ ...text, maxLength: 257 }], 'longer texts'],
    [[time], [{ ...time, format: 'day_first' }], 'one more format'],
    [[number], [{ ...number, trim: true, missing: ['NA'] }], 'blanks and a marker'],
    [[{ ...text, missing: ['NA'] }], [text], 'a marker that is a text now'],
    [[{ ...number, missing: ['-1'] }], [number], 'a marker that is a number now'],
    [[number], [{ ...number, nullable: true, missing: ['-1'] }], 'a number that is a marker now'],
    [[number], [{ ...number, roles: ['event'], description: 'd', unit: 's', example: 1 }], 'roles and words'],
  ] as const)
    t.strictSame(between([...present], [...next]), [], about)
  t.end()
})

t.test('what refuses requests is told', (t) => {
  const strict = { ...number, nullable: false }
  for (const [present, next, reasons] of [
    [[text, other], [text], ['b: is no longer a field, and a request that has it is refused']],
    [[text], [text, other], ['b: is a new field, and a request without it is refused']],
    [[text], [boolean], ['a: is a boolean, and was a text']],
    [[number], [strict], ['a: takes no null any more']],
    [[{ ...text, required: false }], [text], ['a: must not be absent any more']],
    [[{ ...number, minimum: 0 }], [{ ...number, minimum: 1 }], ['a: is at least 1, and was at least 0']],
    [[number], [{ ...number, maximum: 5 }], ['a: is at most 5, and was at most 1e+300']],
    [[text], [{ ...text, maxLength: 5 }], ['a: has at most 5 characters, and had at most 256']],
    [
      [{ ...time, format: 'day_first' }],
      [time],
      ['a: is no longer read with the day first, but in ISO 8601 alone'],
    ],
    [
      [{ ...time, format: 'day_first' }],
      [{ ...time, format: 'month_first' }],
      ['a: is no longer read with the day first, but with the month first'],
    ],
    [[{ ...number, trim: true }], [number], ['a: may have no blanks around it any more']],
    [
      [{ ...number, missing: ['NA', '-'] }],
      [{ ...number, missing: ['-'] }],
      ['a: no longer takes "NA" for null'],
    ],
    [[strict], [{ ...strict, missing: ['-1', 'NA'] }], ['a: takes "-1" for null, and no null']],
    [[text], [{ ...text, column: 'A' }], ['a: is the column "A" of a file, and was "a"']],
    [
      [{ ...number, minimum: 0 }],
      [{ ...strict, minimum: 1, maximum: 5 }],
      [
        'a: takes no null any more',
        'a: is at least 1, and was at least 0',
        'a: is at most 5, and was at most 1e+300',
      ],
    ],
  ] as const)
    t.strictSame(between([...present], [...next]), reasons, reasons[0])
  t.end()
})

t.test('the column of the user counts, too', (t) => {
  const document = { ...(NINE_FIELDS.document as object), userId: { column: 'player' } }
  t.strictSame(incompatibilities(NINE_FIELDS, parseInputSchema(document)), [
    'user_id: is the column "player" of a file, and was "user_id"',
  ])
  t.end()
})
