/**
 * The benchmark of the evaluator: two models, every contender, in rounds → a Markdown table on the screen and in
 * docs/benchmarks.md. In a round each contender is measured right after its baseline, so that a change of the machine's speed
 * meets both; the order turns by one every round; the medians over the rounds count.
 *
 *   node test/bench/run.ts [--quick]      --quick: two short rounds, the page is left alone
 */
import { join } from 'node:path'
import { type Contender, type Contestant, type Kind, startContestant } from './contestant.ts'
import { type BenchModel, FEATURES, findLightgbm, install, MODELS, NATIVE, PYTHON, ROWS } from './install.ts'
import { loadReport } from './load.ts'
import { NODE_PEERS } from './peers.ts'
import { type ModelResults, renderReport, type Result, writePage } from './report.ts'

interface Effort {
  readonly rounds: number
  readonly warmUpSeconds: number
  readonly baselineSeconds: number
  readonly contenderSeconds: number
}

const FULL: Effort = { rounds: 7, warmUpSeconds: 1, baselineSeconds: 0.15, contenderSeconds: 0.3 }
const QUICK: Effort = { rounds: 2, warmUpSeconds: 0.3, baselineSeconds: 0.1, contenderSeconds: 0.1 }

const BASELINES: Readonly<Record<Kind, string>> = {
  row: 'LightGBM C API, single-row fast',
  batch: 'LightGBM C API, matrix',
}

const isQuick = process.argv.includes('--quick')
const effort = isQuick ? QUICK : FULL
install()
const models: ModelResults[] = []
for (const model of MODELS) models.push({ model: model.name, results: await benchModel(model, effort) })
const report = `${renderReport(models, effort.rounds)}\n\n${loadReport(MODELS)}`
console.log(report)
if (!isQuick) writePage('evaluator', report)

interface Entry {
  readonly contender: Contender
  readonly contestant: Contestant
  readonly nanoseconds: number[]
  readonly ratios: number[]
}

async function benchModel({ name, folder }: BenchModel, effort: Effort): Promise<Result[]> {
  console.error(`${name}: loading the contenders and comparing their answers`)
  const contestants = await startAll(folder)
  const entries = contestants.flatMap((contestant) =>
    contestant.contenders.map((contender): Entry => ({ contender, contestant, nanoseconds: [], ratios: [] })),
  )
  const able = entries.filter(({ contender }) => contender.failure === undefined)
  const baselineOf = ({ contender: { kind } }: Entry): Entry => {
    const baseline = able.find(
      ({ contender }) => contender.kind === kind && contender.name === BASELINES[kind],
    )
    if (!baseline) throw new Error(`the baseline ${BASELINES[kind]} failed`)
    return baseline
  }

  for (const entry of able) await measure(entry, effort.warmUpSeconds)
  for (let round = 0; round < effort.rounds; round++) {
    console.error(`${name}: round ${round + 1} of ${effort.rounds}`)
    const turn = round % able.length
    for (const entry of [...able.slice(turn), ...able.slice(0, turn)]) {
      const baseline = await measure(baselineOf(entry), effort.baselineSeconds)
      const nanoseconds = await measure(entry, effort.contenderSeconds)
      entry.nanoseconds.push(nanoseconds)
      entry.ratios.push(nanoseconds / baseline)
    }
  }
  for (const contestant of contestants) contestant.close()
  return entries
}

function measure({ contender, contestant }: Entry, seconds: number): Promise<number> {
  return contestant.measure(contender, seconds)
}

/** One after the other, so that nothing is compiled while something else is compared. */
async function startAll(folder: string): Promise<Contestant[]> {
  const nativeArgs = [findLightgbm(), folder, String(ROWS), String(FEATURES)]
  const nativeNames = Object.entries(BASELINES).map(([kind, name]) => ({ kind: kind as Kind, name }))
  const contestants = [
    await startContestant(NATIVE, nativeArgs, nativeNames),
    await startContestant(
      PYTHON,
      [join(import.meta.dirname, 'peers.py'), folder],
      [{ kind: 'row', name: 'Python' }],
    ),
  ]
  for (const { name, kind } of NODE_PEERS) {
    const args = [join(import.meta.dirname, 'peers.ts'), folder, kind, name]
    contestants.push(await startContestant(process.execPath, args, [{ name, kind }]))
  }
  return contestants
}
