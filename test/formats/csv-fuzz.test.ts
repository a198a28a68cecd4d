/**
 * Dirty CSV made at random: the service and training find the same in it, to the last letter of what they say against it.
 */
import { deepEqual } from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { resolve } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { CsvRows, InputError, readHeader } from '../../src/formats/index.ts'
import { parseInputSchema, type Row } from '../../src/inputs/index.ts'
import { PYTHON } from '../../training/venv.ts'

const FILES = Number(process.env['RUNS'] ?? 3000)
const SEED = 20261130

const schema = parseInputSchema({
  format: 'day7-inputs/1',
  fields: [
    { name: 'a', kind: 'text', maxLength: 10_000 },
    { name: 'b', kind: 'text', maxLength: 10_000 },
    { name: 'c', kind: 'text', maxLength: 10_000, required: false },
  ],
  target: { name: 'revenue', horizonDays: 7 },
})

const separator = fc.constantFrom(',', ',', ';', '\t')
const part = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.constantFrom('x', 'y"z', '""', '"q"', '"q,r"', '"q\nr"', '"q""r"', ' ', 'ñ', '1;2'),
  },
  { weight: 3, arbitrary: fc.constantFrom('"', '\r', '\n', '\r\n', '\r\r\n', '\uFEFF', '\u2028', '"\r') },
  { weight: 1, arbitrary: fc.constantFrom('\u{1F600}', '\u0085', '\v', '\f', 'a', 'b') },
)
const row = (width: number) =>
  fc.tuple(
    fc.array(fc.string({ unit: part, maxLength: 2 }), { minLength: width, maxLength: width }),
    fc.nat(12),
  )
const lineEnd = fc.constantFrom('\n', '\n', '\r\n', '\r\r\n')
const names = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.constantFrom(['a', 'b'], ['b', 'a', 'c'], ['a', 'x', 'b'], ['a', 'b', '', '']),
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(['"a"', '"b"'], ['', 'a', 'b'], ['a', 'b', '"n\nm"'], ['user_id', 'a', 'b']),
  },
  { weight: 1, arbitrary: fc.array(fc.constantFrom('a', 'b', 'c', '', '"', 'b\r', ' a'), { maxLength: 4 }) },
)

const anyFile = fc
  .record({ mark: fc.nat(9), names, separator, end: lineEnd, other: lineEnd, bad: fc.nat(30) })
  .chain((dress) =>
    fc.array(row(dress.names.length), { maxLength: 6 }).map((rows) => {
      const text = [dress.names, ...rows.map(([cells, change]) => changed(cells, change))]
        .map((cells) => cells.join(dress.separator))
        .reduce(
          (text, line, at) => text + (at === 0 ? '' : at % 3 === 2 ? dress.other : dress.end) + line,
          '',
        )
      const bytes = Buffer.from((dress.mark === 0 ? '\uFEFF' : '') + text)
      // A byte that no UTF-8 has.
      if (dress.bad === 0 && bytes.length > 12) bytes[bytes.length - 7] = 0xff
      return bytes
    }),
  )

/** Some rows have a cell too many or too few, or are empty. */
function changed(cells: readonly string[], change: number): readonly string[] {
  if (change === 0) return [...cells, 'more']
  if (change === 1) return cells.slice(1)
  return change === 2 ? [] : cells
}

/** As training has it: rows, or what is said against the file; a fault of a row is one of the file. */
function found(bytes: Uint8Array): unknown {
  try {
    const header = readHeader(bytes, true, { schema, others: 'kept' })
    if (header === 'open') throw new Error('expected a header, it is open')
    const rows = new CsvRows(schema, header.layout)
    rows.begin(bytes.subarray(header.length))
    const all: [number, Row][] = []
    while (rows.advance()) {
      const line = 1 + header.lines + rows.line
      if (rows.fault) return `line ${line}: ${rows.fault.message}`
      all.push([line, [...rows.values]])
    }
    return all.length > 0 ? all : 'expected rows after the header, found none'
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}

t.test('training finds the same', (t) => {
  const files = fc.sample(anyFile, { numRuns: FILES, seed: SEED })
  const output = execFileSync(PYTHON, ['-B', 'test/formats/read_csv.py'], {
    input: files.map((bytes) => `${bytes.toString('base64')}\n`).join(''),
    env: { ...process.env, PYTHONPATH: resolve('training') },
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  })
  const theirs = output.trimEnd().split('\n')
  t.equal(theirs.length, files.length)
  const kinds = new Map<string, number>()
  for (const [at, bytes] of files.entries()) {
    const ours = found(bytes)
    deepEqual(ours, JSON.parse(theirs[at]!), JSON.stringify(bytes.toString('latin1')))
    const kind = typeof ours === 'string' ? ours.replace(/\d+/g, 'N').slice(0, 40) : 'rows'
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
  }
  t.ok(kinds.size >= 8, `${kinds.size} kinds of verdicts`)
  for (const [kind, least] of [
    ['rows', FILES / 12],
    ['line N: expected a quote at the end of a ', FILES / 60],
    ['line N: expected lines that end with \\n ', FILES / 60],
  ] as const)
    t.ok(
      [...kinds].some(([each, count]) => each.startsWith(kind.slice(0, 40)) && count >= least),
      kind,
    )
  t.comment(JSON.stringify(Object.fromEntries(kinds)))
  t.end()
})
