/**
 * A thread that scores: pieces → answers, one after the other. It makes the model of its own from parts that were verified once.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { Bundle } from '../bundle/index.ts'
import { InputError } from '../formats/index.ts'
import type { InputSchema } from '../inputs/index.ts'
import { CsvScorer } from './csv-scorer.ts'
import { NdjsonScorer } from './ndjson-scorer.ts'
import { ParquetScorer } from './parquet-scorer.ts'
import type { Scorer, ThreadSetup } from './piece.ts'
import { Predictor } from './predictor.ts'
import type { Answer, Order } from './threads.ts'

const { parts, layout, explain } = workerData as ThreadSetup
const bundle = new Bundle(parts)
const scorer = scorerOf(new Predictor(bundle, explain), bundle.inputs)

// A scorer may wait for the disk; the next piece waits for it all the same, since answers have no names.
let last = Promise.resolve()
parentPort!.on('message', (order: Order) => {
  last = last.then(() => answer(order))
})

async function answer({ piece, spare }: Order): Promise<void> {
  try {
    const scored = await scorer.score(piece, spare)
    const handedOver = [scored.output.buffer, ...scored.spares]
    parentPort!.postMessage({ scored } satisfies Answer, handedOver)
  } catch (error) {
    const { message } = error as Error
    parentPort!.postMessage({ fault: { message, isInput: error instanceof InputError } } satisfies Answer)
  }
}

function scorerOf(predictor: Predictor, inputs: InputSchema): Scorer {
  if (layout.format === 'csv') return new CsvScorer(layout.csv, predictor, inputs)
  return layout.format === 'ndjson'
    ? new NdjsonScorer(predictor, inputs)
    : new ParquetScorer(layout.path, layout.output, predictor, inputs)
}
