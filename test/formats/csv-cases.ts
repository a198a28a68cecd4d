/**
 * Small CSV files and what any reader of them has to find: the cells of each row, its fault, or why the file is refused. What is expected
 * is written down here, and is not what some reader has found. Each stands in several dresses: other separators, line ends, marks.
 *
 *   node test/formats/csv-cases.ts   writes test/fixtures/formats/csv-cases.ndjson, which Python's tests read, too
 */
import { readFileSync, writeFileSync } from 'node:fs'

export const CASES_FILE = 'test/fixtures/formats/csv-cases.ndjson'

export const CASE_SCHEMA = {
  format: 'day7-inputs/1',
  fields: [
    { name: 'country', kind: 'text', nullable: false },
    { name: 'note', kind: 'text' },
    { name: 'n', kind: 'number', nullable: false, minimum: 0 },
    { name: 'r', kind: 'number', required: false },
  ],
  target: { name: 'revenue', horizonDays: 7 },
}

/** A row: the line where it begins, and its cells by column; or its fault. */
export type CaseRow = readonly [line: number, found: Readonly<Record<string, string>> | string]

export interface CsvCase {
  readonly name: string
  readonly bytes: Buffer
  /** Why the file as a whole is refused; else `rows` are in it. */
  readonly refusal?: string
  readonly rows?: readonly CaseRow[]
}

const QUOTE_OPEN = 'expected a quote at the end of a quoted cell, got none'
const LONE_CR = String.raw`expected lines that end with \n or \r\n, got \r alone`
const behind = (called: string) => `expected a ${called} or the end of the line after a quoted cell`
const cells = (count: number, got: number) => `expected ${count} cells as in the header, got ${got}`
const COLUMNS = 'expected the columns country, note, n; missing:'

/** In a text `,` is any separator, `|` any end of a line, and `COMMA` what the separator is called. */
type Written = readonly [name: string, text: string, rows: readonly CaseRow[]]

const good = (line: number, country: string, note: string, n: string, r?: string): CaseRow => [
  line,
  { country, note, n, ...(r !== undefined && { r }) },
]

const WRITTEN: readonly Written[] = [
  ['plain', 'country,note,n|es,a,1|fr,,2|', [good(2, 'es', 'a', '1'), good(3, 'fr', '', '2')]],
  ['no end of the last line', 'country,note,n|es,a,1', [good(2, 'es', 'a', '1')]],
  ['another order, and a column more', 'n,x,note,country|1,X,a,es|', [good(2, 'es', 'a', '1')]],
  ['a field that may be absent', 'country,note,n,r|es,a,1,2.5|', [good(2, 'es', 'a', '1', '2.5')]],
  [
    'the user',
    'user_id,country,note,n|u1,es,a,1|',
    [[2, { user_id: 'u1', country: 'es', note: 'a', n: '1' }]],
  ],
  ['empty lines', '|country,note,n||es,a,1|||fr,b,2||', [good(4, 'es', 'a', '1'), good(7, 'fr', 'b', '2')]],
  ['quoted cells', '"country","note","n"|"es","a","1"|', [good(2, 'es', 'a', '1')]],
  [
    'doubled quotes',
    'country,note,n|es,"a ""b""",1|es,"""",1|',
    [good(2, 'es', 'a "b"', '1'), good(3, 'es', '"', '1')],
  ],
  ['an empty cell in quotes', 'country,note,n|es,"",1|', [good(2, 'es', '', '1')]],
  ['separators in quotes', 'country,note,n|es,"a,b;c\td",1|', [good(2, 'es', 'a,b;c\td', '1')]],
  [
    'a line feed in quotes',
    'country,note,n|es,"a\nb\n",1|fr,b,2|',
    [good(2, 'es', 'a\nb\n', '1'), good(5, 'fr', 'b', '2')],
  ],
  [
    'a \\r\\n in quotes stays',
    'country,note,n|es,"a\r\nb",1|fr,b,2|',
    [good(2, 'es', 'a\r\nb', '1'), good(4, 'fr', 'b', '2')],
  ],
  ['a \\r in quotes stays', 'country,note,n|es,"a\rb\r",1|', [good(2, 'es', 'a\rb\r', '1')]],
  [
    'quotes at the end of a row',
    'note,n,country|a,1,"es"|b,2,"fr"|',
    [good(2, 'es', 'a', '1'), good(3, 'fr', 'b', '2')],
  ],
  ['an empty last cell', 'country,n,note|es,1,|fr,2,|', [good(2, 'es', '', '1'), good(3, 'fr', '', '2')]],
  ['an empty last cell at the end', 'country,n,note|es,1,', [good(2, 'es', '', '1')]],
  ['an empty quoted last cell at the end', 'country,n,note|es,1,""', [good(2, 'es', '', '1')]],
  [
    'a quote within a cell',
    'country,note,n|es,5" screen,1|es,a"b"c,2|',
    [good(2, 'es', '5" screen', '1'), good(3, 'es', 'a"b"c', '2')],
  ],
  ['blanks around cells', 'country,note,n| es ,\t,1|'.replace('\t', ' '), [good(2, ' es ', ' ', '1')]],
  ['a quote after a blank', 'country,note,n|es, "a",1|', [good(2, 'es', ' "a"', '1')]],
  ['other alphabets', 'country,note,n|Île,日本 😀,1|', [good(2, 'Île', '日本 😀', '1')]],
  [
    'a mark within is a character',
    'country,note,n|\uFEFFes,a\uFEFF,1|',
    [good(2, '\uFEFFes', 'a\uFEFF', '1')],
  ],
  ['a NUL is a character', 'country,note,n|es,a\0b,1|', [good(2, 'es', 'a\0b', '1')]],
  [
    'line separators of Unicode are none',
    'country,note,n|es,a\u2028b\u0085c\vd\fe,1|',
    [good(2, 'es', 'a\u2028b\u0085c\vd\fe', '1')],
  ],
  ['too few cells', 'country,note,n|es,a|fr,b,2|', [[2, cells(3, 2)], good(3, 'fr', 'b', '2')]],
  ['too many cells', 'country,note,n|es,a,1,|fr,b,2|', [[2, cells(3, 4)], good(3, 'fr', 'b', '2')]],
  ['a line of one blank is a row', 'country,note,n| |fr,b,2|', [[2, cells(3, 1)], good(3, 'fr', 'b', '2')]],
  ['a line of two quotes is a row', 'country,note,n|""|fr,b,2|', [[2, cells(3, 1)], good(3, 'fr', 'b', '2')]],
  [
    'a quote that nobody closes',
    'country,note,n|es,"a,1|fr,b,2|',
    [[2, QUOTE_OPEN], good(3, 'fr', 'b', '2')],
  ],
  [
    'a quote that nobody closes at the end',
    'country,note,n|fr,b,2|es,"a,1',
    [good(2, 'fr', 'b', '2'), [3, QUOTE_OPEN]],
  ],
  ['a quote alone at the end', 'country,n,note|fr,2,b|es,1,"', [good(2, 'fr', 'b', '2'), [3, QUOTE_OPEN]]],
  [
    'a doubled quote that nobody closes',
    'country,note,n|es,"a"",1|fr,b,2|',
    [[2, QUOTE_OPEN], good(3, 'fr', 'b', '2')],
  ],
  [
    'a text after a quoted cell',
    'country,note,n|es,"a"b,1|fr,b,2|',
    [[2, behind('COMMA')], good(3, 'fr', 'b', '2')],
  ],
  [
    'a blank after a quoted cell',
    'country,note,n|es,"a" ,1|fr,b,2|',
    [[2, behind('COMMA')], good(3, 'fr', 'b', '2')],
  ],
  [
    'a quote closed in the next line',
    'country,note,n|es,"a,1|fr,"b",2|pt,c,3|',
    [[2, behind('COMMA')], good(3, 'fr', 'b', '2'), good(4, 'pt', 'c', '3')],
  ],
  ['\\r alone in a cell', 'country,note,n|es,a\rb,1|fr,b,2|', [[2, LONE_CR], good(3, 'fr', 'b', '2')]],
  ['\\r alone at the beginning', 'country,note,n|\res,a,1|fr,b,2|', [[2, LONE_CR], good(3, 'fr', 'b', '2')]],
  [
    '\\r alone before a separator',
    'country,note,n|es\r,a,1|fr,b,2|',
    [[2, LONE_CR], good(3, 'fr', 'b', '2')],
  ],
  [
    '\\r alone, and a cell of two lines',
    'country,note,n|e\rs,"a\nb",1|fr,b,2|',
    [[2, LONE_CR], good(4, 'fr', 'b', '2')],
  ],
  [
    '\\r alone after a quoted cell',
    'country,n,note|es,1,"a"\rb|fr,2,b|',
    [[2, behind('COMMA')], good(3, 'fr', 'b', '2')],
  ],
  [
    '\\r before the end belongs to it',
    'country,n,note|es,1,a\r\r\r|fr,2,b|',
    [good(2, 'es', 'a', '1'), good(3, 'fr', 'b', '2')],
  ],
  [
    '\\r after quotes belongs to the end',
    'country,n,note|es,1,"a"\r\r|fr,2,b|',
    [good(2, 'es', 'a', '1'), good(3, 'fr', 'b', '2')],
  ],
  ['\\r at the end of the file', 'country,n,note|es,1,a\r', [good(2, 'es', 'a', '1')]],
  [
    'columns without names behind the last',
    'country,note,n,,|es,a,1,,|fr,b,2,,|',
    [good(2, 'es', 'a', '1'), good(3, 'fr', 'b', '2')],
  ],
  ['one column without a name behind the last', 'country,note,n,|es,a,1,|', [good(2, 'es', 'a', '1')]],
  [
    'a cell under no name',
    'country,note,n,,|es,a,1,,x|fr,b,2,,|',
    [[2, 'expected an empty cell 5, whose column has no name, got "x"'], good(3, 'fr', 'b', '2')],
  ],
  [
    'fewer cells under no name',
    'country,note,n,,|es,a,1|fr,b,2,,|',
    [[2, cells(5, 3)], good(3, 'fr', 'b', '2')],
  ],
  ['cells under no name in quotes', 'country,note,n,|es,a,1,""|', [good(2, 'es', 'a', '1')]],
  ['a first column without a name', ',country,note,n|0,es,a,1|', [good(2, 'es', 'a', '1')]],
  ['a name of two lines', 'country,note,n,"a\nb"|es,a,1,x|', [good(3, 'es', 'a', '1')]],
  ['no rows', 'country,note,n|', []],
  ['no rows, and no end of the line', 'country,note,n', []],
]

const REFUSED: readonly [name: string, bytes: string | Buffer, refusal: string][] = [
  ['nothing', '', 'expected a header and rows, the file is empty'],
  ['a mark alone', '\uFEFF', 'expected a header and rows, the file is empty'],
  ['blanks', '\n \r\n', 'expected a header and rows, the file is empty'],
  ['a missing column', 'country,note\nes,a\n', `line 1: ${COLUMNS} n; got country, note`],
  ['missing columns', 'x\n1\n', `line 1: ${COLUMNS} country, note, n; got x`],
  ['a header in the third line', '\n\ncountry,note\n', `line 3: ${COLUMNS} n; got country, note`],
  ['a blank before a name', ' country,note,n\n', `line 1: ${COLUMNS} country; got " country", note, n`],
  ['another case', 'Country,note,n\n', `line 1: ${COLUMNS} country; got Country, note, n`],
  ['bars', 'country|note|n\n', `line 1: ${COLUMNS} country, note, n; got country|note|n`],
  ['a column twice', 'country,note,n,n\nes,a,1,1\n', 'line 1: expected every column once, got n twice'],
  [
    'another column twice',
    'country,x,note,n,x\nes,1,a,1,2\n',
    'line 1: expected every column once, got x twice',
  ],
  ['two without names', ',,country,note,n\n1,2,es,a,1\n', 'line 1: expected every column once, got "" twice'],
  [
    'UTF-16',
    Buffer.from('\uFEFFcountry,note,n\n', 'utf16le'),
    'line 1: expected UTF-8, the file looks like UTF-16; save it as UTF-8',
  ],
  [
    'UTF-16 without a mark',
    Buffer.from('country,note,n\n', 'utf16le'),
    'line 1: expected UTF-8, got a NUL byte; is the file UTF-16? Save it as UTF-8',
  ],
  [
    'UTF-32',
    Buffer.concat([Buffer.from([0xff, 0xfe, 0, 0]), Buffer.alloc(8)]),
    'line 1: expected UTF-8, the file looks like UTF-32; save it as UTF-8',
  ],
  [
    'a name in Latin-1',
    Buffer.from('country,note,n,a\u00f1o\nes,a,1,x\n', 'latin1'),
    'line 1: expected UTF-8 in the name of column 4, got other bytes',
  ],
  ['\\r alone as the end of lines', 'country,note,n\res,a,1\rfr,b,2\r', `line 1: ${LONE_CR}`],
  ['\\r alone in the header', 'country,no\rte,n\nes,a,1\n', `line 1: ${LONE_CR}`],
  ['a quote that nobody closes in the header', '"country,note,n\nes,a,1\n', `line 1: ${QUOTE_OPEN}`],
  ['a text after a quoted name', 'country,"note"x,n\nes,a,1\n', `line 1: ${behind('comma')}`],
  ['a Parquet file', 'PAR1abcd', 'expected CSV, got a Parquet file; name it .parquet, or pass that format'],
  [
    'gzip',
    Buffer.from([0x1f, 0x8b, 8, 0]),
    'expected CSV, got gzip; end its name with .gz, e.g. .csv.gz, or decompress it first',
  ],
  [
    'Zstandard',
    Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0]),
    'expected CSV, got Zstandard; end its name with .zst, e.g. .csv.zst, or decompress it first',
  ],
  ['a zip archive', 'PK\x03\x04\x14\0\0\0installs.csv', 'expected CSV, got a zip archive; unpack it first'],
  [
    'a workbook',
    'PK\x03\x04\x14\0\0\0[Content_Types].xml',
    'expected CSV, got an Excel workbook (.xlsx); save the sheet as CSV (UTF-8)',
  ],
  [
    'an old workbook',
    Buffer.from([0xd0, 0xcf, 0x11, 0xe0]),
    'expected CSV, got an old Excel workbook (.xls); save the sheet as CSV (UTF-8)',
  ],
]

const SEPARATORS = [
  [',', 'comma'],
  [';', 'semicolon'],
  ['\t', 'tab'],
] as const
const ENDS = [
  ['\n', '\\n'],
  ['\r\n', '\\r\\n'],
  ['\r\r\n', '\\r\\r\\n'],
] as const

/** Each text with every separator and every end of a line; every second one has a mark. */
function* dressed(): Generator<CsvCase> {
  for (const [at, [name, text, rows]] of WRITTEN.entries())
    for (const [s, [separator, called]] of SEPARATORS.entries())
      for (const [e, [end, endCalled]] of ENDS.entries()) {
        const [first, ...quoted] = text.split(/("[^"]*")/)
        const plain = (part: string): string => part.replaceAll(',', '\u0001').replaceAll('|', '\u0002')
        const marked = [first!, ...quoted]
          .map((part) => (isInQuotes(part, text) ? part : plain(part)))
          .join('')
        const written = marked.replaceAll('\u0001', separator).replaceAll('\u0002', end)
        const mark = (at + s + e) % 2 === 0 ? '\uFEFF' : ''
        yield {
          name: `${name}; ${called}, ${endCalled}${mark && ', mark'}`,
          bytes: Buffer.from(mark + written),
          rows: rows.map(([line, found]) => [
            line,
            typeof found === 'string' ? found.replace('COMMA', called) : found,
          ]),
        }
      }
}

/** Separators in quotes stay what they are; where quotes are broken, everything is dressed. */
const isInQuotes = (part: string, text: string): boolean =>
  part.startsWith('"') && part.length > 1 && text.includes('a,b;c\td')

/** Which bytes are no UTF-8, and rows that are too long. */
function* special(): Generator<CsvCase> {
  const latin1 = (text: string) => Buffer.from(text, 'latin1')
  yield {
    name: 'a cell in Latin-1',
    bytes: latin1('country,note,n\nes,a\u00f1o,1\nfr,b,2\n'),
    rows: [[2, 'expected UTF-8, got other bytes'], good(3, 'fr', 'b', '2')],
  }
  yield {
    name: 'Latin-1 in a column that is not looked at',
    bytes: latin1('country,note,n,x\nes,a,1,a\u00f1o\nfr,b,2,c\n'),
    rows: [[2, 'expected UTF-8, got other bytes'], good(3, 'fr', 'b', '2')],
  }
  yield {
    name: 'half a surrogate pair in UTF-8',
    bytes: Buffer.concat([latin1('country,note,n\nes,'), Buffer.from([0xed, 0xa0, 0x80]), latin1(',1\n')]),
    rows: [[2, 'expected UTF-8, got other bytes']],
  }
  yield {
    name: 'a row that is too long',
    bytes: Buffer.from(`country,note,n\nes,${'x'.repeat(1 << 20)},1\nfr,b,2\n`),
    rows: [[2, 'expected a row of at most 1048576 bytes, got more'], good(3, 'fr', 'b', '2')],
  }
  const longest = 'x'.repeat((1 << 20) - 'es,,1\n'.length)
  yield {
    name: 'the longest row',
    bytes: Buffer.from(`country,note,n\nes,${longest},1\nfr,b,2\n`),
    rows: [good(2, 'es', longest, '1'), good(3, 'fr', 'b', '2')],
  }
  yield {
    name: 'one byte more than the longest row',
    bytes: Buffer.from(`country,note,n\nes,${longest}x,1\nfr,b,2\n`),
    rows: [[2, 'expected a row of at most 1048576 bytes, got more'], good(3, 'fr', 'b', '2')],
  }
}

export function* allCases(): Generator<CsvCase> {
  yield* dressed()
  for (const [name, bytes, refusal] of REFUSED) yield { name, bytes: Buffer.from(bytes as string), refusal }
  yield* special()
}

/** Long ones are left out: both languages make them. */
const MOST_BYTES = 10_000

export function casesText(): string {
  return [...allCases()]
    .filter(({ bytes }) => bytes.length <= MOST_BYTES)
    .map(
      ({ bytes, ...rest }) =>
        `${JSON.stringify({ ...rest, schema: CASE_SCHEMA, bytes: bytes.toString('base64') })}\n`,
    )
    .join('')
}

export const casesInFile = (): string => readFileSync(CASES_FILE, 'utf8')

if (import.meta.main) writeFileSync(CASES_FILE, casesText())
