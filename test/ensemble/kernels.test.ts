/**
 * The kernels differ in speed alone: on every model of the zoo that they can run, and on random ones, they give the reference's
 * double, bit for bit. And they put nothing on the heap.
 */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import t from 'tap'
import { type Ensemble, parseModel } from '../../src/ensemble/index.ts'
import { LONG } from '../long.ts'
import { hostileRow, randomTrees } from './random-models.ts'
import { dumpOf } from './dumps.ts'
import { COMMITTED_ZOO, readSpecimen, rowOf, zooFiles } from './zoo.ts'

const PACKED = ['wasm', 'typed-array'] as const

t.test('the kernels agree on the zoo', (t) => {
  const ran = { wasm: 0, 'typed-array': 0 }
  for (const specimen of zooFiles(COMMITTED_ZOO).map(readSpecimen)) {
    const reference = parseModel(specimen.text, { kernel: 'reference' })
    const { rowCount } = specimen.answers[0]!
    for (const kernel of PACKED) {
      if (reference.classCount > 1 || specimen.linear) {
        t.throws(
          () => parseModel(specimen.text, { kernel }),
          /cannot run this model here/,
          `${specimen.name}: not for ${kernel}`,
        )
        continue
      }
      const ensemble = parseModel(specimen.text, { kernel })
      ran[kernel]++
      const wrong = Array.from({ length: rowCount }, (_, r) => rowOf(specimen, r)).filter(
        (row) => !Object.is(ensemble.predictRaw(row), reference.predictRaw(row)),
      )
      t.equal(wrong.length, 0, `${specimen.name}: ${kernel} equals the reference on ${rowCount} rows`)
    }
  }
  t.ok(ran.wasm >= 60 && ran['typed-array'] >= 60, `${ran.wasm} models`)
  t.end()
})

t.test('the kernels agree on random models', (t) => {
  fc.assert(
    fc.property(randomTrees, fc.array(hostileRow, { minLength: 1 }), (trees, rows) => {
      const dump = dumpOf(trees)
      const reference = parseModel(dump, { kernel: 'reference' })
      for (const kernel of PACKED) {
        const ensemble = parseModel(dump, { kernel })
        for (const row of rows) {
          const expected = reference.predictRaw(Float64Array.from(row))
          const actual = ensemble.predictRaw(Float64Array.from(row))
          if (!Object.is(actual, expected))
            throw new Error(`${kernel}: expected ${expected}, got ${actual} for ${row}`)
        }
      }
    }),
    { numRuns: LONG ? 1000 : 80 },
  )
  t.end()
})

t.test('the fastest kernel is the default, and its absence no fault', (t) => {
  const dump = JSON.parse(readFileSync('artifacts/champion/model.json', 'utf8'))
  t.equal(parseModel(dump).kernel, 'wasm')
  const platform = globalThis as { WebAssembly?: unknown }
  const { WebAssembly } = platform
  t.teardown(() => (platform.WebAssembly = WebAssembly))
  delete platform.WebAssembly
  t.equal(parseModel(dump).kernel, 'typed-array')
  t.throws(() => parseModel(dump, { kernel: 'wasm' }), /the wasm kernel cannot run this model here/)
  t.end()
})

t.test('a prediction puts nothing on the heap', (t) => {
  const dump = JSON.parse(readFileSync('artifacts/champion/model.json', 'utf8'))
  const sink = new Float64Array(1)
  const repeat = (ensemble: Ensemble, times: number): void => {
    const row = new Float64Array(ensemble.featureCount)
    for (let i = 0; i < times; i++) {
      row[3] = i % 50
      sink[0] = ensemble.predict(row) as number
      sink[0] = ensemble.predictRaw(row) as number
    }
  }
  for (const kernel of [...PACKED, 'reference'] as const) {
    const ensemble = parseModel(dump, { kernel })
    repeat(ensemble, 50_000) // until its code is compiled
    // A heap number for each would be 160 kB or more. Others use the heap, too, and it may be cleared, but not each time.
    const grownBytes = Array.from({ length: 9 }, () => {
      const before = process.memoryUsage().heapUsed
      repeat(ensemble, 10_000)
      return process.memoryUsage().heapUsed - before
    }).toSorted((one, other) => one - other)[4]!
    t.ok(grownBytes < 80_000, `${kernel}: ${grownBytes} bytes more after twenty thousand predictions`)
  }
  t.end()
})
