/**
 * Compressed text: streams in flat memory, whole ones only; and names of files.
 */
import { Readable } from 'node:stream'
import { constants, gzipSync, zstdCompressSync } from 'node:zlib'
import t from 'tap'
import { type Compression, decompress, formatOfName } from '../../src/formats/index.ts'

async function plain(bytes: Uint8Array, compression: Compression, partBytes = 1000): Promise<string> {
  const parts = Array.from({ length: Math.ceil(bytes.length / partBytes) }, (_, at) =>
    bytes.subarray(at * partBytes, (at + 1) * partBytes),
  )
  const chunks: Uint8Array[] = []
  for await (const chunk of decompress(Readable.from(parts), compression)) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** With a checksum, as the command `zstd` writes it. */
const compressZstd = (text: string): Buffer =>
  zstdCompressSync(text, { params: { [constants.ZSTD_c_checksumFlag]: 1 } })

const TEXT = Array.from({ length: 5000 }, (_, i) => `row ${i * 7919}\n`).join('')

for (const [compression, called, compress] of [
  ['gzip', 'gzip', gzipSync],
  ['zstd', 'Zstandard', compressZstd],
] as const)
  t.test(called, async (t) => {
    const whole = compress(TEXT)
    for (const partBytes of [1, 1000, 1e9]) t.equal(await plain(whole, compression, partBytes), TEXT)
    const both = Buffer.concat([whole, compress('and more'), compress('')])
    for (const partBytes of [1, 1000, 1e9])
      t.equal(await plain(both, compression, partBytes), `${TEXT}and more`, 'several members')
    const cut = {
      name: 'InputError',
      message: `expected ${called} up to its end, got a part; is it complete?`,
    }
    for (const length of [5, 20, whole.length >> 1, whole.length - 1])
      await t.rejects(plain(whole.subarray(0, length), compression), cut, `cut after ${length} bytes`)
    await t.rejects(plain(both.subarray(0, whole.length + 9), compression), cut, 'cut in the second member')
    const other = {
      name: 'InputError',
      message: `expected ${called}, got other bytes; name the file by what it is`,
    }
    for (const text of ['', 'c', 'country,source\n'])
      await t.rejects(plain(Buffer.from(text), compression), other)
    const spoilt = Buffer.from(whole)
    spoilt.fill(0x55, whole.length >> 1, (whole.length >> 1) + 40)
    await t.rejects(plain(spoilt, compression), {
      name: 'InputError',
      message: /^expected \w+ (that can be read|up to)/,
    })
    const source = async function* () {
      yield whole.subarray(0, 50)
      throw new Error('the disk is gone')
    }
    await t.rejects(async () => {
      for await (const _ of decompress(source(), compression));
    }, /the disk is gone/)
  })

t.test('four hundred megabytes take no memory', async (t) => {
  const block = gzipSync(Buffer.alloc(1 << 20, 'x'))
  const source = async function* () {
    for (let i = 0; i < 400; i++) yield block
  }
  let bytes = 0
  let most = 0
  const before = process.memoryUsage().rss
  for await (const chunk of decompress(source(), 'gzip')) {
    bytes += chunk.length
    most = Math.max(most, process.memoryUsage().rss - before)
  }
  t.equal(bytes, 400 * (1 << 20))
  t.ok(most < 200e6, `${Math.round(most / 1e6)} MB`)
})

t.test('names', (t) => {
  const names: [string, unknown][] = [
    ['a.csv', { format: 'csv', compression: null }],
    ['A.TSV', { format: 'csv', compression: null }],
    ['a.b.csv.gz', { format: 'csv', compression: 'gzip' }],
    ['a.jsonl.zst', { format: 'ndjson', compression: 'zstd' }],
    ['a.parquet', { format: 'parquet', compression: null }],
    ['csv', null],
    ['a.gz', null],
    ['a.txt', null],
    ['a.constructor', null],
  ]
  for (const [name, found] of names) t.same(formatOfName(name), found, name)
  for (const name of ['a.xlsx', 'a.zip', 'a.xls', 'a.parquet.gz'])
    t.ok('refused' in formatOfName(name)!, name)
  t.end()
})
