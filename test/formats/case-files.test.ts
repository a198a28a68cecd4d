/**
 * Files that went wrong once, through the readers of files; training reads those of CSV in training/tests/test_csv_cases.py.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import {
  ByteWriter,
  CsvRows,
  NdjsonRows,
  readHeader,
  writeWidenedObject,
  writeWidenedRow,
} from '../../src/formats/index.ts'
import { NINE_FIELDS, parseInputSchema, type Row } from '../../src/inputs/index.ts'

const bytesOf = (name: string) => new Uint8Array(readFileSync(join('test/fixtures/formats', name)))

function readCsv(name: string) {
  const bytes = bytesOf(name)
  const header = readHeader(bytes, true, { schema: NINE_FIELDS, others: 'kept' })
  if (header === 'open') throw new Error('it is open')
  const body = bytes.subarray(header.length)
  const rows = new CsvRows(NINE_FIELDS, header.layout)
  const out = new ByteWriter()
  const found: { line: number; row: Row | null; fault: string | null }[] = []
  rows.begin(body)
  while (rows.advance()) {
    const line = 1 + header.lines + rows.line
    found.push({ line, row: rows.fault ? null : [...rows.values], fault: rows.fault?.message ?? null })
    if (!rows.fault) writeWidenedRow(out, body, rows, header.layout.separator, ['7'])
  }
  return {
    found,
    text: Buffer.from(out.take()).toString(),
    faults: found.filter(({ fault }) => fault !== null),
  }
}

t.test('CSV', (t) => {
  const device = NINE_FIELDS.indexOf('device_family')
  const windows = readCsv('a10c_crcrlf_device_last.csv')
  t.same(windows.faults, [])
  t.equal(windows.found.length, 195)
  t.same(windows.found.filter(({ row }) => String(row![device]).includes('\r')), []) // prettier-ignore
  t.match(windows.text, /^00009e37,us,.*,Everon EX-104,7\r\r\n/, 'the row and its end as they came')

  const trailing = readCsv('a12b_trailing_delim2_all.csv')
  t.same([trailing.found.length, trailing.faults], [300, []])
  t.match(trailing.text, /^u00000,.*,0\.226867,,,7\n/)

  t.throws(() => readCsv('a13_dup_extra_header.csv'), {
    message: 'line 1: expected every column once, got note twice',
  })

  const { found, faults } = readCsv('a30_lone_cr_in_cell.csv')
  t.equal(found.length, 300)
  t.equal(faults.length, 3)
  t.match(faults[0], { fault: 'expected lines that end with \\n or \\r\\n, got \\r alone' })

  const total = readCsv('a51_total_row.csv')
  t.equal(total.found.length, 301)
  t.same(total.faults, [{ line: 302, row: null, fault: 'platform: expected text, got null' }])
  t.end()
})

t.test('NDJSON as BigQuery exports it', (t) => {
  for (const [name, count] of [
    ['n01_numbers_as_strings.ndjson', 300],
    ['n03_nulls_left_out.ndjson', 300],
  ] as const) {
    const rows = new NdjsonRows(NINE_FIELDS, { naming: 'columns', others: 'kept' })
    rows.begin(bytesOf(name))
    let found = 0
    for (; rows.advance(); found++) if (rows.fault) t.fail(`${name}: ${rows.fault.message}`)
    t.equal(found, count, name)
  }
  t.end()
})

t.test('what is written is JSON, and columns have their own names in files', (t) => {
  const schema = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [{ name: 'a', column: 'b', kind: 'number' }],
    target: { name: 'revenue', horizonDays: 7 },
  })
  const rows = new NdjsonRows(schema, { naming: 'columns', others: 'kept', added: ['p'] })
  const bytes = new Uint8Array(Buffer.from('{}\n {"b":"2","a":1} \r\n{"a":3,"x":"}"}\n{"p":1}'))
  const out = new ByteWriter()
  const found: unknown[] = []
  rows.begin(bytes)
  while (rows.advance()) {
    found.push(rows.fault?.message ?? rows.values[0])
    if (!rows.fault) writeWidenedObject(out, bytes.subarray(rows.from, rows.end), rows.isEmpty, '"p":7')
  }
  t.same(found, [null, 2, 3, 'p: expected not to be there: it is what is added'])
  t.equal(Buffer.from(out.take()).toString(), '{"p":7}\n {"b":"2","a":1,"p":7}\n{"a":3,"x":"}","p":7}\n')
  t.end()
})
