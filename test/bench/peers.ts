/**
 * The contenders that run in Node: ours, onnxruntime-node, and the JavaScript that m2cgen generates.
 *
 *   node peers.ts FOLDER KIND NAME
 *
 * speaks the protocol of contestant.ts for one contender: each has a process of its own, so that none meets code that was
 * compiled for another. A variant of ours is one more line in OURS.
 */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseModel } from '../../src/ensemble/index.ts'
import type { Contender, Kind } from './contestant.ts'

/** Options of parseModel, by the name in the table. */
const OURS: Readonly<Record<string, object>> = {
  'Day7, WebAssembly (the default)': {},
  'Day7, typed-array loop': { kernel: 'typed-array' },
  'Day7, reference loop': { kernel: 'reference' },
}

interface Rows {
  readonly matrix: Float64Array
  readonly count: number
  readonly width: number
}

/** For kind row: the answer to the row of that index. For kind batch: all answers. */
type Score = (row: number) => number | Promise<number>
type ScoreAll = () => ArrayLike<number> | Promise<ArrayLike<number>>
type Loaded = { readonly row: Score } | { readonly batch: ScoreAll }

interface NodePeer {
  readonly name: string
  readonly kind: Kind
  load(folder: string, rows: Rows): Loaded | Promise<Loaded>
}

export const NODE_PEERS: readonly NodePeer[] = [
  ...Object.entries(OURS).flatMap(([name, options]): NodePeer[] => [
    { name, kind: 'row', load: (folder, rows) => loadOurRow(folder, rows, options) },
    { name, kind: 'batch', load: (folder, rows) => loadOurBatch(folder, rows, options) },
  ]),
  { name: 'm2cgen, generated JavaScript', kind: 'row', load: loadM2cgen },
  { name: 'onnxruntime-node', kind: 'row', load: loadOnnxRow },
  { name: 'onnxruntime-node', kind: 'batch', load: loadOnnxBatch },
]

interface Ours {
  predict(row: Float64Array): number
  predictBatch?(matrix: Float64Array, rowCount: number, options?: { out?: Float64Array }): Float64Array
}

function parseOurs(folder: string, options: object): Ours {
  const parse: (source: unknown, options?: object) => unknown = parseModel
  return parse(JSON.parse(readFileSync(join(folder, 'dump.json'), 'utf8')), options) as Ours
}

function loadOurRow(folder: string, rows: Rows, options: object): Loaded {
  const ensemble = parseOurs(folder, options)
  const views = cut(rows.matrix, rows)
  return { row: (row) => ensemble.predict(views[row]!) }
}

function loadOurBatch(folder: string, rows: Rows, options: object): Loaded {
  const ensemble = parseOurs(folder, options)
  if (!ensemble.predictBatch) throw new Error('predictBatch does not exist yet')
  const out = new Float64Array(rows.count)
  return { batch: () => ensemble.predictBatch!(rows.matrix, rows.count, { out }) }
}

async function loadM2cgen(folder: string, rows: Rows): Promise<Loaded> {
  refuseFailure(folder, 'm2cgen')
  const { score } = (await import(join(folder, 'm2cgen.mjs'))) as { score: (row: Float64Array) => number }
  const views = cut(rows.matrix, rows)
  return { row: (row) => score(views[row]!) }
}

/** What is used of onnxruntime-node: it is installed by the benchmark only, so its own types are not at hand. */
interface OnnxRuntime {
  readonly Tensor: new (type: 'float32', data: Float32Array, shape: number[]) => object
  readonly InferenceSession: { create(path: string, options: object): Promise<OnnxSession> }
}
interface OnnxSession {
  run(feeds: { input: object }): Promise<Record<string, { readonly data: Float32Array }>>
}

/** The tensors of float32 are made beforehand: only the run is measured. */
async function loadOnnx(folder: string, parts: Float32Array[], width: number) {
  refuseFailure(folder, 'onnx')
  const { Tensor, InferenceSession } = createRequire(import.meta.url)('onnxruntime-node') as OnnxRuntime
  const options = { intraOpNumThreads: 1, interOpNumThreads: 1, executionMode: 'sequential' }
  const session = await InferenceSession.create(join(folder, 'model.onnx'), options)
  const feeds = parts.map((part) => ({ input: new Tensor('float32', part, [part.length / width, width]) }))
  return async (part: number): Promise<Float32Array> =>
    Object.values(await session.run(feeds[part]!))[0]!.data
}

async function loadOnnxRow(folder: string, rows: Rows): Promise<Loaded> {
  const run = await loadOnnx(folder, cut(Float32Array.from(rows.matrix), rows), rows.width)
  return { row: async (row) => (await run(row))[0]! }
}

async function loadOnnxBatch(folder: string, rows: Rows): Promise<Loaded> {
  const run = await loadOnnx(folder, [Float32Array.from(rows.matrix)], rows.width)
  return { batch: () => run(0) }
}

function refuseFailure(folder: string, name: string): void {
  let reason: string
  try {
    reason = readFileSync(join(folder, `${name}.failure`), 'utf8')
  } catch {
    return
  }
  throw new Error(reason)
}

function cut<T extends Float64Array | Float32Array>(matrix: T, { count, width }: Rows): T[] {
  return Array.from({ length: count }, (_, row) => matrix.subarray(row * width, (row + 1) * width) as T)
}

function readDoubles(path: string): Float64Array {
  return new Float64Array(new Uint8Array(readFileSync(path)).buffer)
}

async function compare(loaded: Loaded, expected: Float64Array) {
  const batch = 'batch' in loaded ? await loaded.batch() : undefined
  let difference = 0
  let differing = 0
  for (let row = 0; row < expected.length; row++) {
    const answer = batch ? batch[row]! : await (loaded as { row: Score }).row(row)
    const apart = Math.abs(answer - expected[row]!)
    if (!(apart <= difference)) difference = apart
    if (!(apart <= 1e-9 * Math.max(1, Math.abs(expected[row]!)))) differing++
  }
  return { difference, differing }
}

const ROWS_PER_SLICE = 50
let nextRow = 0
/** Where answers go, so that no compiler can leave out the work. */
let sink = 0

/** The median of short slices: one that another process interrupted does not count. */
async function measure(loaded: Loaded, rowCount: number, seconds: number): Promise<number> {
  const isAsync = 'row' in loaded && typeof loaded.row(0) !== 'number'
  const slices: number[] = []
  let before = performance.now()
  const end = before + seconds * 1000
  while (before < end) {
    if ('batch' in loaded) sink += (await loaded.batch())[0]!
    else if (isAsync) for (let i = 0; i < ROWS_PER_SLICE; i++) sink += await loaded.row(nextRow++ % rowCount)
    else scoreSlice(loaded.row as (row: number) => number, rowCount)
    const now = performance.now()
    slices.push(((now - before) / ('batch' in loaded ? rowCount : ROWS_PER_SLICE)) * 1e6)
    before = now
  }
  return slices.sort((a, b) => a - b)[slices.length >> 1]!
}

/** The loop that counts for everything that answers at once: no promise, no clock. */
function scoreSlice(score: (row: number) => number, rowCount: number): void {
  for (let i = 0; i < ROWS_PER_SLICE; i++) {
    sink += score(nextRow)
    if (++nextRow === rowCount) nextRow = 0
  }
}

async function main(folder: string, kind: string, name: string): Promise<void> {
  const peer = NODE_PEERS.find((peer) => peer.kind === kind && peer.name === name)!
  const expected = readDoubles(join(folder, 'expected.f64'))
  const matrix = readDoubles(join(folder, 'rows.f64'))
  const rows = { matrix, count: expected.length, width: matrix.length / expected.length }
  const loaded = await peer.load(folder, rows)
  const contender: Contender = { name, kind: peer.kind, ...(await compare(loaded, expected)) }
  console.log(JSON.stringify([contender]))
  for await (const line of createInterface({ input: process.stdin }))
    console.log(JSON.stringify({ nanoseconds: await measure(loaded, rows.count, Number.parseFloat(line)) }))
  if (!Number.isFinite(sink)) process.exitCode = 1
}

if (import.meta.main) {
  const [folder, kind, name] = process.argv.slice(2)
  await main(folder!, kind!, name!)
}
