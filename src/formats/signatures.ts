/**
 * The first bytes of an input → the kind of file that it is, where that is none that can be read here, or another than its name says.
 */
import { InputError } from './errors.ts'

interface Signature {
  readonly called: string
  readonly bytes: readonly number[]
  readonly advice: string
}

const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')]

const EXPORT_CSV = 'save the sheet as CSV (UTF-8)'
const UNPACK = 'unpack it first'

const SIGNATURES: readonly Signature[] = [
  { called: 'a Parquet file', bytes: ascii('PAR1'), advice: 'name it .parquet, or pass that format' },
  {
    called: 'gzip',
    bytes: [0x1f, 0x8b],
    advice: 'end its name with .gz, e.g. .csv.gz, or decompress it first',
  },
  {
    called: 'Zstandard',
    bytes: [0x28, 0xb5, 0x2f, 0xfd],
    advice: 'end its name with .zst, e.g. .csv.zst, or decompress it first',
  },
  { called: 'a zip archive', bytes: ascii('PK\x03\x04'), advice: UNPACK },
  { called: 'an empty zip archive', bytes: ascii('PK\x05\x06'), advice: UNPACK },
  { called: 'an old Excel workbook (.xls)', bytes: [0xd0, 0xcf, 0x11, 0xe0], advice: EXPORT_CSV },
  { called: 'bzip2', bytes: ascii('BZh'), advice: 'decompress it first' },
  { called: 'xz', bytes: [0xfd, 0x37, 0x7a, 0x58, 0x5a], advice: 'decompress it first' },
  { called: 'a 7-Zip archive', bytes: [0x37, 0x7a, 0xbc, 0xaf], advice: UNPACK },
  { called: 'an Avro file', bytes: ascii('Obj\x01'), advice: 'export it as Parquet' },
  { called: 'an SQLite database', bytes: ascii('SQLite format 3\0'), advice: 'export the table as CSV' },
]
const EXCEL = { called: 'an Excel workbook (.xlsx)', advice: EXPORT_CSV }

/** Enough of a file for all signatures; a workbook names one of its parts within them. */
export const SIGNATURE_BYTES = 512

/**
 * @param expected what it should be, e.g. `CSV`
 * @throws InputError where the bytes are those of another kind of file
 */
export function expectPlainText(beginning: Uint8Array, expected: string): void {
  const found = signatureOf(beginning)
  if (found) throw new InputError(`expected ${expected}, got ${found.called}; ${found.advice}`)
}

function signatureOf(beginning: Uint8Array): Pick<Signature, 'called' | 'advice'> | null {
  const found = SIGNATURES.find(({ bytes }) => startsWith(beginning, bytes))
  if (found?.called !== 'a zip archive') return found ?? null
  const text = Buffer.from(beginning.subarray(0, SIGNATURE_BYTES)).toString('latin1')
  return /\[Content_Types\]\.xml|_rels\/|xl\//.test(text) ? EXCEL : found
}

/** The marks of UTF-32 come first: the little-endian one begins with that of UTF-16. */
const MARKS_OF_OTHERS = [
  ['UTF-32', [0xff, 0xfe, 0, 0]],
  ['UTF-32', [0, 0, 0xfe, 0xff]],
  ['UTF-16', [0xff, 0xfe]],
  ['UTF-16', [0xfe, 0xff]],
] as const

/** What some programs put before UTF-8. */
const UTF8_MARK = [0xef, 0xbb, 0xbf]

/** How many bytes the mark at the beginning takes. */
export const markBytes = (beginning: Uint8Array): number =>
  startsWith(beginning, UTF8_MARK) ? UTF8_MARK.length : 0

/** @throws InputError for another encoding */
export function expectUtf8Mark(beginning: Uint8Array): void {
  for (const [encoding, mark] of MARKS_OF_OTHERS)
    if (startsWith(beginning, mark))
      throw new InputError(`line 1: expected UTF-8, the file looks like ${encoding}; save it as UTF-8`)
  // No text begins with a NUL, but every second byte of UTF-16 is one.
  if (beginning.subarray(0, 4).includes(0))
    throw new InputError('line 1: expected UTF-8, got a NUL byte; is the file UTF-16? Save it as UTF-8')
}

export const startsWith = (bytes: Uint8Array, beginning: readonly number[]): boolean =>
  bytes.length >= beginning.length && beginning.every((byte, at) => bytes[at] === byte)

/**
 * Where the text of an input without a header begins.
 * @param expected what it should be, e.g. `NDJSON`
 * @throws InputError where it is no UTF-8, or another kind of file
 */
export function textBeginning(beginning: Uint8Array, expected: string): number {
  expectPlainText(beginning, expected)
  expectUtf8Mark(beginning)
  return markBytes(beginning)
}
