/**
 * What a prediction pays before its answer: the CPU time of one line of the spool, of the nine fields.
 *
 *   node test/bench/append.ts
 */
import { v7 as uuidv7 } from 'uuid'
import { LineBuffer } from '../../src/prediction-log/spool/line-buffer.ts'
import { EXAMPLE, rowOf } from '../example.ts'
import { recordOf } from '../prediction-log/records.ts'

const RECORDS = 2000
const ROUNDS = 150
const PER_ROUND = 5
const WARM_UP = 300

const lines = new LineBuffer(null)
const records = Array.from({ length: RECORDS }, (_, i) => {
  const time = new Date(1.78e12 + i)
  const install = { ...EXAMPLE, event_1: i % 100, event_2: (i * 7) % 50 }
  return recordOf({
    predictionId: uuidv7({ msecs: time.getTime() }),
    time,
    userId: `player ${i}`,
    row: rowOf(install),
    predictedRevenue: Math.round(Math.random() * 1e7) / 1e6,
    rawScore: Math.random(),
    inferenceTimeUs: Math.random() * 20,
  })
})

function nanoseconds(times: number): number {
  const before = process.cpuUsage()
  for (let i = 0; i < times; i++) {
    for (const record of records) lines.append(record)
    lines.take()
  }
  const { user, system } = process.cpuUsage(before)
  return ((user + system) * 1000) / (times * RECORDS)
}

nanoseconds(WARM_UP)
const rounds = Array.from({ length: ROUNDS }, () => nanoseconds(PER_ROUND)).toSorted((a, b) => a - b)
console.log(`a line: ${Math.round(rounds[0]!)} ns at best, ${Math.round(rounds[ROUNDS >> 1]!)} ns median`)
