/**
 * Cells of a CSV → values: numbers are the nearest doubles, and texts are remembered.
 */
import fc from 'fast-check'
import t from 'tap'
import { readDecimal } from '../../src/formats/csv/decimal.ts'
import { readHeader } from '../../src/formats/index.ts'
import { CsvCells } from '../../src/formats/csv/cells.ts'
import { CsvRow, SEPARATORS } from '../../src/formats/csv/row.ts'
import { TextCells } from '../../src/formats/csv/text-cells.ts'
import { Fault, NINE_FIELDS, parseInputSchema } from '../../src/inputs/index.ts'

const numbers = parseInputSchema({
  format: 'day7-inputs/1',
  fields: [{ name: 'n', kind: 'number' }],
  target: { name: 'revenue', horizonDays: 7 },
})
const layout = { separator: SEPARATORS[0], width: 1, named: 1, names: ['n'], places: [0], userIdPlace: -1 }
const cells = new CsvCells(numbers, layout)
const row = new CsvRow(SEPARATORS[0], 1)

/** As the cell of a number; NaN where it is refused. */
function readNumber(text: string): number {
  const bytes = Buffer.from(text)
  row.read(bytes, 0, bytes.length, true)
  const values: (string | number | null)[] = []
  return cells.read(bytes, row, values) instanceof Fault ? NaN : (values[0] as number)
}

t.test('numbers', (t) => {
  const read = readNumber
  for (const text of [
    '0',
    '7',
    '007',
    '1.',
    '.5',
    '10.25',
    '+3',
    '1e3',
    '1E-3',
    '123456789012345',
    '1234567890123456789',
    '0.1',
    '0.30000000000000004',
    '5e-324',
    '999999999999.999',
    '.000000000000001',
  ])
    t.equal(read(text), Number(text), text)
  t.ok(Object.is(read('-0'), 0))
  t.equal(read('-1'), -1)
  for (const text of [
    '.',
    '-',
    '+',
    'e3',
    '1e',
    '1 ',
    ' 1',
    '0x10',
    'Infinity',
    'NaN',
    '1_000',
    '١',
    '1.2.3',
    '--1',
    `${'1'.repeat(500)}`,
  ])
    t.same(read(text), NaN, text)
  for (const text of ['1234567890123456', '-1', '1e3', '1.2.3', '.', '', ' 1'])
    t.same(readDecimal(Buffer.from(text), 0, text.length), NaN, `${text} is left to the slower rules`)
  fc.assert(
    fc.property(
      fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }),
      (number) => number > 1e300 || read(String(number)) === number,
    ),
  )
  fc.assert(
    fc.property(fc.nat(), fc.nat(999_999), (whole, part) => {
      const text = `${whole}.${String(part).padStart(6, '0')}`
      return read(text) === Number(text)
    }),
  )
  t.end()
})

t.test('texts, and more of them than are remembered', (t) => {
  const cells = new TextCells(NINE_FIELDS.fields[0]!)
  const read = (text: string | Uint8Array) => {
    const bytes = Buffer.from(text as string)
    const value = cells.read(bytes, 0, bytes.length)
    return value instanceof Fault ? [null, value.message] : [value, null]
  }
  for (let round = 0; round < 2; round++)
    for (let i = 0; i < 9000; i++) if (read(`c${i}`)[0] !== `c${i}`) t.fail(`c${i}`)
  t.same(read(''), [null, null])
  t.same(read('Málaga 😀'), ['Málaga 😀', null])
  t.same(read('\ufeffa'), ['\ufeffa', null])
  t.same(read('x'.repeat(256)), ['x'.repeat(256), null])
  t.same(read('😀'.repeat(257)), [null, 'country: expected at most 256 characters, got 257'])
  for (let again = 0; again < 2; again++) {
    t.match(read('a\0b'), [null, /^country: expected text without NUL/])
  }
  t.end()
})

t.test('a header, and what may follow it', (t) => {
  const names = NINE_FIELDS.fields.map(({ name }) => name)
  const read = (text: string) => {
    const header = readHeader(Buffer.from(text), true, {
      schema: NINE_FIELDS,
      others: 'kept',
      added: ['predicted_revenue'],
    })
    if (header === 'open') throw new Error('it is open')
    return header
  }
  const header = read(`\ufeffuser_id,${names.toReversed().join()},"a ""b"""\r\nx`)
  t.equal(Buffer.from(header.lineEnd).toString(), '\r\n')
  t.equal(header.layout.width, 11)
  t.equal(header.layout.places[8], 1)
  t.equal(header.layout.places[0], 9)
  t.equal(header.layout.userIdPlace, 0)
  t.equal(Buffer.from(header.line).toString(), `user_id,${names.toReversed().join()},"a ""b"""`)
  t.equal(read(`"a\nb",${names.join()}\n`).lines, 2)
  t.throws(() => read(`${names.join()},predicted_revenue`), {
    message: /^line 1: expected no column predicted_revenue: it is what is added/,
  })
  t.end()
})
