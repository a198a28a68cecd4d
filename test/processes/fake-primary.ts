/**
 * A primary process with two fake workers; it prints their process ids.
 */
import cluster from 'node:cluster'
import { memoryStore } from '../../src/idempotency/index.ts'
import { Supervisor } from '../../src/processes/index.ts'

cluster.setupPrimary({ exec: 'test/processes/fake-worker.ts' })
const pids: number[] = []
const supervisor = new Supervisor({
  workers: 2,
  fork() {
    const worker = cluster.fork()
    pids.push(worker.process.pid!)
    return worker
  },
  endWithinMs: 1_000,
  figures: () => ({ own: async () => [], addCounters: async (sum) => sum }),
  shared: memoryStore({ ttlS: 60, maxBytes: 10_000 }),
  logger: { info() {}, error() {} },
})
await supervisor.start()
console.log(JSON.stringify(pids))
