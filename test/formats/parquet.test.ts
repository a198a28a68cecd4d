/**
 * Parquet: fields of every type that tables have, and columns that are passed through as they were; dates beyond JavaScript's among them.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import t from 'tap'
import { ByteWriter, ParquetFile, ParquetRows } from '../../src/formats/index.ts'
import { Fault, NINE_FIELDS, parseInputSchema, type InputSchema, type Row } from '../../src/inputs/index.ts'
import { PYTHON } from '../../training/venv.ts'

const CASES = 'test/fixtures/formats'

async function openFile(path: string, schema: InputSchema = NINE_FIELDS) {
  const { buffer, byteOffset, length } = readFileSync(path)
  const file = await ParquetFile.open(buffer.slice(byteOffset, byteOffset + length) as ArrayBuffer)
  const rows = new ParquetRows(schema, file)
  return { file, rows, stored: await file.read(0, file.rowCount) }
}

async function read(path: string, schema?: InputSchema) {
  const { file, rows, stored } = await openFile(path, schema)
  const [csv, ndjson] = [new ByteWriter(), new ByteWriter()]
  for (const row of stored) {
    rows.writeCsv(csv, row, ['7'])
    rows.writeNdjson(ndjson, row, '"p":7')
  }
  const textOf = (writer: ByteWriter) => Buffer.from(writer.take()).toString()
  return {
    leftOut: file.leftOut,
    rows: stored.map((row) => rows.read(row)),
    csv: parse(`${rows.header()},p\n${textOf(csv)}`, { columns: true }) as Record<string, string>[],
    ndjson: textOf(ndjson)
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>),
  }
}

t.test('the files that went wrong', async (t) => {
  const ofRow = async (name: string, column: string) => {
    const { rows, csv, ndjson, leftOut } = await read(join(CASES, name))
    t.same(leftOut, [])
    t.equal(rows.filter((row) => row instanceof Fault).length, 0)
    t.equal(csv[0]![column], ndjson[0]![column])
    return csv.map((row) => row[column]!)
  }
  const all = (texts: readonly string[], pattern: RegExp) =>
    t.same(texts.filter((text) => !pattern.test(text)), [], String(pattern)) // prettier-ignore
  all(await ofRow('p14_ts_us.parquet', 'install_time'), /^2\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/)
  t.ok((await ofRow('p15_ts_far.parquet', 'never')).some((text) => text.startsWith('+')))
  all(await ofRow('p16_date_time.parquet', 'd'), /^\d{4}-\d\d-\d\d$/)
  all(await ofRow('p16_date_time.parquet', 't'), /^\d\d:\d\d:\d\d\.\d{6}$/)
  all(await ofRow('p18_binary.parquet', 'b'), /^[A-Za-z0-9+/]*={0,2}$/)
  t.ok((await ofRow('p64_duckdb_infinity.parquet', 'vip_until')).includes('+5881580-07-11'))
  await t.rejects(openFile(join(CASES, 'p32_dup_names.parquet')), {
    name: 'InputError',
    message: 'expected every column once, got event_1 twice; rename one of them',
  })
})

t.test('as pyarrow reads them', async (t) => {
  const folder = t.testdir()
  execFileSync(PYTHON, ['-B', 'test/formats/make_parquet.py', folder], { stdio: 'inherit' })
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as {
    readonly csv: Record<string, string>[]
    readonly ndjson: Record<string, unknown>[]
    readonly rows: Row[]
  }
  const schema = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [
      { name: 'text', kind: 'text' },
      { name: 'kind', kind: 'text' },
      { name: 'price', kind: 'number' },
      { name: 'count', kind: 'number' },
      { name: 'as_text', kind: 'number' },
      { name: 'flag', kind: 'boolean' },
      { name: 'bit', kind: 'boolean' },
      { name: 'at', kind: 'time', column: 'us' },
      { name: 'day', kind: 'time' },
      { name: 'epoch', kind: 'time' },
      { name: 'absent', kind: 'number', required: false },
    ],
    target: { name: 'revenue', horizonDays: 7 },
  })
  const found = await read(join(folder, 'types.parquet'), schema)
  t.same(found.leftOut, [{ name: 'days', why: 'lists or structures of other values than texts and numbers' }])
  t.same(found.rows, expected.rows)
  for (const [at, row] of expected.csv.entries()) t.match(found.csv[at], row)
  for (const [at, row] of expected.ndjson.entries()) t.match(found.ndjson[at], row)
  const faulty = parseInputSchema({
    format: 'day7-inputs/1',
    fields: [{ name: 'at', kind: 'time', column: 'far' }],
    target: { name: 'revenue', horizonDays: 7 },
  })
  const [far] = (await read(join(folder, 'types.parquet'), faulty)).rows
  t.match(far, { message: /^at: expected a time in the years 0001 to 9999, got time "\+148108-/ })
})
