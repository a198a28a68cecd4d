/**
 * A thread that scores: pieces → answers, one after the other. It makes the model of its own from parts that were verified once.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Bundle } from '../bundle/index.ts'
import { InputError } from '../formats/index.ts'
import { CsvScorer } from './csv-scorer.ts'
import type { Layout } from './layout.ts'
import { NdjsonScorer } from './ndjson-scorer.ts'
import { ParquetScorer } from './parquet-scorer.ts'
import type { Scorer, ThreadSetup } from './piece.ts'
import { Predictor } from './predictor.ts'
import type { Answer, Order } from './threads.ts'
import { ToldColumns } from './told-columns.ts'

const { parts, layouts, explain } = workerData as ThreadSetup
const bundle = new Bundle(parts)
const predictor = new Predictor(bundle, explain)
/** Pieces come in the order of their parts: the scorer of the part before is not needed any more. */
let present: { readonly part: number; readonly scorer: Scorer } | null = null

// A scorer may wait for the disk; the next piece waits for it all the same, since answers have no names.
let last = Promise.resolve()
parentPort!.on('message', (order: Order) => {
  last = last.then(() => answer(order))
})

async function answer({ part, piece, spare }: Order): Promise<void> {
  try {
    const scorer = await scorerFor(part)
    const scored = await scorer.score(piece, spare)
    const handedOver = [scored.output.buffer, ...scored.spares]
    parentPort!.postMessage({ scored } satisfies Answer, handedOver)
  } catch (error) {
    const { message } = error as Error
    parentPort!.postMessage({ fault: { message, isInput: error instanceof InputError } } satisfies Answer)
  }
}

async function scorerFor(part: number): Promise<Scorer> {
  if (present?.part !== part) {
    await present?.scorer.close?.()
    present = { part, scorer: scorerOf(layouts[part]!) }
  }
  return present.scorer
}

function scorerOf(layout: Layout): Scorer {
  const told = new ToldColumns(bundle.inputs, layout.told)
  if (layout.format === 'csv') return new CsvScorer(layout.csv, predictor, told)
  return layout.format === 'ndjson'
    ? new NdjsonScorer(
        predictor,
        told,
        layout.told.map(({ name }) => name),
      )
    : new ParquetScorer(layout.path, layout.output, predictor, told)
}
