/**
 * The CSV grammar: all readers find what the shared cases say, wherever the bytes are cut.
 */
import { deepEqual } from 'node:assert/strict'
import t from 'tap'
import { CsvRows, CsvStream, InputError, readHeader, type ReadRow } from '../../src/formats/index.ts'
import { Fault, parseInputSchema, type Row, valueFromCell } from '../../src/inputs/index.ts'
import { allCases, CASE_SCHEMA, casesInFile, casesText, type CaseRow, type CsvCase } from './csv-cases.ts'

const schema = parseInputSchema(CASE_SCHEMA)
const cases = [...allCases()]

type Found = readonly [line: number, found: Row | string]

/** What the cells of a case have to become: values by the rules of the fields, or the fault of the first. */
function expectedOf([line, found]: CaseRow): Found {
  if (typeof found === 'string') return [line, found]
  const row = []
  for (const field of schema.fields) {
    const value = valueFromCell(field, found[field.column] ?? '')
    if (value instanceof Fault) return [line, value.message]
    row.push(value)
  }
  return [line, row]
}

/** As a thread reads a piece of a file. */
function readPiece(bytes: Uint8Array): readonly Found[] | string {
  try {
    const header = readHeader(bytes, true, { schema, others: 'kept' })
    if (header === 'open') throw new Error('expected a header, it is open')
    const rows = new CsvRows(schema, header.layout)
    rows.begin(bytes.subarray(header.length))
    const found: Found[] = []
    while (rows.advance())
      found.push([1 + header.lines + rows.line, rows.fault ? rows.fault.message : [...rows.values]])
    return found
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

const foundIn = (row: ReadRow): Found =>
  'fault' in row ? [row.line, row.fault.message] : [row.line, row.install.row]

/** As a body is read that arrives in parts. */
function readStream(bytes: Uint8Array, partBytes: number): readonly Found[] | string {
  const stream = new CsvStream({ schema, others: 'kept', maxRowBytes: 1 << 20 })
  const found: Found[] = []
  try {
    for (let at = 0; at < bytes.length; at += partBytes)
      found.push(...[...stream.push(bytes.subarray(at, at + partBytes))].map(foundIn))
    found.push(...[...stream.end()].map(foundIn))
    return found
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

const expectedIn = ({ refusal, rows }: CsvCase): readonly Found[] | string => refusal ?? rows!.map(expectedOf)

t.test('the fixture is what the cases say', (t) => {
  t.ok(cases.length >= 150, `${cases.length} cases`)
  t.equal(casesInFile(), casesText())
  t.end()
})

t.test('pieces of files, and bodies in parts', (t) => {
  for (const each of cases) {
    const expected = expectedIn(each)
    deepEqual(readPiece(each.bytes), expected, each.name)
    const parts = each.bytes.length > 10_000 ? [65_536, 1_000_000] : [1, 2, 3, 7, 1000]
    for (const partBytes of parts)
      deepEqual(readStream(each.bytes, partBytes), expected, `${each.name}, in parts of ${partBytes} bytes`)
  }
  t.pass(`${cases.length} cases`)
  t.end()
})
