/**
 * What an install is refused for: the texts are those of Ajv on the schema of the OpenAPI document, where both refuse it.
 */
import Ajv from 'ajv'
import fc from 'fast-check'
import t from 'tap'
import { NINE_FIELDS, parseInputSchema } from '../../src/inputs/index.ts'
import { Intake } from '../../src/http/intake.ts'
import { ajvOptions, explain } from '../../src/http/plugins/validation.ts'
import { installSchemaOf } from '../../src/http/schemas/install.ts'
import { EXAMPLE } from '../example.ts'
import { FIVE_FIELDS, PLAYER } from '../five-fields.ts'

const five = parseInputSchema(FIVE_FIELDS)
const ajv = new Ajv.default(ajvOptions.customOptions)

const values = fc.oneof(
  fc.constantFrom(
    null,
    true,
    false,
    0,
    -1,
    1e301,
    5e-324,
    '',
    'es',
    '2026-01-01',
    'x\0',
    '\ud800',
    [],
    {},
    'é'.repeat(257),
  ),
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.anything({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value) ?? 'null') as unknown),
)

/** What the schema cannot say: what a time is, and how long a text is without its blanks. */
const FINER = /^(installed at: expected (a )?time|Country Code: expected at most)/

/** A good install with a few changes: other values, missing fields, unknown ones. */
const near = (good: object) => {
  const names = [...Object.keys(good), 'user_id', 'more', '__proto__', 'constructor']
  const change = fc.tuple(fc.constantFrom(...names), fc.option(values, { nil: undefined }))
  return fc.array(change, { maxLength: 3 }).map((changes) => {
    const install = new Map<string, unknown>(Object.entries(good))
    for (const [name, value] of changes)
      if (value === undefined) install.delete(name)
      else install.set(name, value)
    return JSON.parse(
      `{${[...install].map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join()}}`,
    )
  })
}

for (const [name, inputs, good] of [
  ['nine fields', NINE_FIELDS, EXAMPLE],
  ['five fields', five, PLAYER],
] as const)
  t.test(`${name}: accepted, or refused with the same text`, (t) => {
    const intake = new Intake({ inputs, otherInputs: null })
    const check = ajv.compile(installSchemaOf(inputs))
    let [accepted, refused, finer] = [0, 0, 0]
    fc.assert(
      fc.property(fc.oneof({ weight: 9, arbitrary: near(good) }, values), (input) => {
        const read = intake.read(input, 'body')
        const isValid = check(input)
        if (typeof read !== 'string') {
          accepted++
          if (!isValid) throw new Error(`Ajv: ${explain(check.errors as never, 'body')}`)
        } else if (isValid || FINER.test(read)) {
          finer++
          if (name === 'nine fields') throw new Error(`Ajv accepts it, and the intake says: ${read}`)
        } else {
          refused++
          const text = explain(check.errors as never, 'body')
          if (text !== read) throw new Error(`${read} is not ${text}`)
        }
      }),
      { numRuns: 3000 },
    )
    t.ok(
      accepted > 100 && refused > 500,
      `${accepted} accepted, ${refused} refused, ${finer} by the reader alone`,
    )
    t.end()
  })

t.test('two thousand fields', (t) => {
  const kinds = ['text', 'number', 'boolean', 'time']
  const inputs = parseInputSchema({
    format: 'day7-inputs/1',
    fields: Array.from({ length: 2000 }, (_, i) => ({ name: `field ${i}`, kind: kinds[i % 4] })),
    target: { name: 'revenue', horizonDays: 7 },
  })
  const intake = new Intake({ inputs, otherInputs: null })
  const good = Object.fromEntries(inputs.fields.map(({ name }) => [name, null]))
  t.match(intake.read(good, 'body'), { row: Array.from({ length: 2000 }, () => null), userId: null })
  t.equal(
    intake.read({ ...good, 'field 1999': 'x' }, 'body'),
    'field 1999: expected time in ISO 8601 or as epoch, got "x"',
  )
  t.equal(intake.read({ ...good, 'field 1998': 1 }, 'body'), 'field 1998: expected boolean or null, got 1')
  t.match(
    intake.read({ ...good, more: 1 }, 'body'),
    /^more: unknown field; expected only field 0, .*field 49, …$/,
  )
  t.end()
})
