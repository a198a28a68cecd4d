/**
 * Compares an ensemble with LightGBM's answers to a model of the zoo: raw scores and leaves bit for bit, outputs within 2 ulp,
 * contributions within 1e-9 of their sum.
 */
import type { Test } from 'tap'
import { type Ensemble, type ModelOptions, parseModel } from '../../../src/ensemble/index.ts'
import { type Answers, rowOf, type Specimen } from '../zoo.ts'
import { contributionDifference, exactDifference, NONE, ulpDifference } from './difference.ts'

const OUTPUT_ULPS = 2

/** One assertion a kind of answer: the first difference over all rows and iteration ranges, or none. */
export function compare(
  t: Test,
  specimen: Specimen,
  road: string,
  source: string | object,
  objective: string,
  options: ModelOptions = {},
): void {
  let whole: Ensemble
  try {
    whole = parseModel(source, options)
  } catch (error) {
    t.fail(`${road}: refused: ${String(error)}`)
    return
  }
  const { featureNames, featureCount, treeCount, classCount } = whole
  t.strictSame(
    { featureNames: [...featureNames], featureCount, treeCount, classCount, objective: whole.objective },
    {
      featureNames: specimen.featureNames,
      featureCount: specimen.featureNames.length,
      treeCount: specimen.treeCount,
      classCount: specimen.classCount,
      objective,
    },
    `${road}: what the model says of itself`,
  )
  const same = (kind: string, check: (ensemble: Ensemble, answers: Answers) => string): void => {
    t.equal(firstDifference(specimen, source, options, whole, check), NONE, `${road}: ${kind}`)
  }
  same('raw scores', (ensemble, { raw, rowCount }) =>
    exactDifference(
      scores(specimen, rowCount, (row) => ensemble.predictRaw(row)),
      raw,
      classCount,
    ),
  )
  same('outputs', (ensemble, { output, rowCount }) =>
    ulpDifference(
      scores(specimen, rowCount, (row) => ensemble.predict(row)),
      output,
      classCount,
      OUTPUT_ULPS,
    ),
  )
  same('leaves', (ensemble, { leaves, rowCount }) => {
    const actual = Array.from({ length: rowCount }, (_, i) => [...ensemble.predictLeaf(rowOf(specimen, i))])
    return exactDifference(Int32Array.from(actual.flat()), leaves, leaves.length / rowCount)
  })
  same('batches', (ensemble, { rowCount }) => batchDifference(specimen, ensemble, rowCount))
  if (specimen.linear)
    t.throws(() => whole.predictContributions(rowOf(specimen, 0)), /linear/, `${road}: no contributions`)
  else same('contributions', (ensemble, answers) => contributions(specimen, ensemble, answers))
}

function firstDifference(
  specimen: Specimen,
  source: string | object,
  options: ModelOptions,
  whole: Ensemble,
  check: (ensemble: Ensemble, answers: Answers) => string,
): string {
  for (const [index, answers] of specimen.answers.entries()) {
    const { startIteration, numIterations } = answers
    const ensemble = index === 0 ? whole : parseModel(source, { ...options, startIteration, numIterations })
    const difference = check(ensemble, answers)
    if (difference !== NONE)
      return `iterations from ${startIteration}, ${numIterations} of them: ${difference}`
  }
  return NONE
}

function scores(
  specimen: Specimen,
  rowCount: number,
  ask: (row: Float64Array) => number | Float64Array,
): Float64Array {
  const all = new Float64Array(rowCount * specimen.classCount)
  for (let index = 0; index < rowCount; index++) {
    const answer = ask(rowOf(specimen, index))
    if (typeof answer === 'number') all[index] = answer
    else all.set(answer, index * specimen.classCount)
  }
  return all
}

/** A batch answers as its rows do one by one, into the caller's array too. */
function batchDifference(specimen: Specimen, ensemble: Ensemble, rowCount: number): string {
  const { classCount } = specimen
  const matrix = specimen.rows.subarray(0, rowCount * specimen.featureNames.length)
  const raw = scores(specimen, rowCount, (row) => ensemble.predictRaw(row))
  const output = scores(specimen, rowCount, (row) => ensemble.predict(row))
  const out = new Float64Array(rowCount * classCount).fill(-1)
  if (ensemble.predictBatch(matrix, rowCount, { out }) !== out) return 'expected the array that was handed in'
  const differences = [
    exactDifference(ensemble.predictBatch(matrix, rowCount, { raw: true }), raw, classCount),
    exactDifference(ensemble.predictBatch(matrix, rowCount), output, classCount),
    exactDifference(out, output, classCount),
    exactDifference(ensemble.predictBatch(matrix.subarray(0, 0), 0), output.subarray(0, 0), classCount),
  ]
  return differences.find((difference) => difference !== NONE) ?? NONE
}

function contributions(specimen: Specimen, ensemble: Ensemble, { contributions, raw }: Answers): string {
  if (!contributions) return NONE
  const width = specimen.featureNames.length + 1
  const rowCount = contributions.length / (width * specimen.classCount)
  const actual = Array.from({ length: rowCount }, (_, i) => [
    ...ensemble.predictContributions(rowOf(specimen, i)),
  ])
  return contributionDifference(Float64Array.from(actual.flat()), contributions, width, raw)
}
