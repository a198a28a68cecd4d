/**
 * A million rows through one stream, into a service in a process of its own: rows a second, the service's memory on the way, and how long
 * a single prediction takes beside it. `npm run bench:stream -- --rows 1000000 --type csv --database off`; the database is the embedded one
 * if nothing else is said. Exit code 1 if an answer is missing, or if memory grows from the first tenth on.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { EXAMPLE } from '../example.ts'
import { spawnService } from '../service.ts'
import { residentMegabytes } from './service-process.ts'

/** Of its memory after the first tenth of the rows. */
const MOST_GROWTH = 1.25
const ROWS_A_PART = 500

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    type: { type: 'string', default: 'ndjson' },
    database: { type: 'string', default: '' },
  },
})
const rows = Number(values.rows)
const isCsv = values.type === 'csv'

const folder = mkdtempSync(join(tmpdir(), 'day7-'))
let pid = 0
const service = await spawnService(
  { DATA_DIR: folder, DATABASE_URL: values.database, LOG_LEVEL: 'info' },
  (child) => (pid = child.pid!),
)
try {
  while ((await fetch(`${service.url}/health/ready`)).status !== 200) await delay(100)
  process.exitCode = (await measure()) ? 0 : 1
} finally {
  await service.stop()
  rmSync(folder, { recursive: true, force: true })
}

async function measure(): Promise<boolean> {
  const memory: { readonly row: number; readonly megabytes: number }[] = []
  const alone = await latencies(200)
  const sending = request(`${service.url}/batch_predict`, {
    method: 'POST',
    headers: { 'content-type': isCsv ? 'text/csv' : 'application/x-ndjson' },
  })
  const started = performance.now()
  const sent = send(sending)
  const [response] = await once(sending, 'response')
  const beside = latencies(500)
  let answered = 0
  let summary: { predictions: number } | undefined
  for await (const line of createInterface(response)) {
    if (line.startsWith('{"summary"')) summary = JSON.parse(line).summary
    else if (++answered % Math.ceil(rows / 10) === 0)
      memory.push({ row: answered, megabytes: residentMegabytes(pid) })
  }
  await sent
  const seconds = (performance.now() - started) / 1000
  console.log(
    `${answered} rows of ${values.type} in ${seconds.toFixed(1)} s: ${Math.round(answered / seconds)} rows/s`,
  )
  for (const { row, megabytes } of memory)
    console.log(`  after ${row} rows: ${megabytes.toFixed(0)} MB resident`)
  console.log(`single predictions alone:       ${described(alone)}`)
  console.log(`single predictions beside it:   ${described(await beside)}`)
  const health = (await (await fetch(`${service.url}/health`)).json()) as Health
  const { spool_bytes, dropped } = health.prediction_log
  console.log(`spool ${(spool_bytes / 2 ** 20).toFixed(0)} MB, ${dropped} dropped`)
  const growth = memory.at(-1)!.megabytes / memory[0]!.megabytes
  console.log(`memory at the end is ${growth.toFixed(2)} times that after the first tenth`)
  return summary?.predictions === rows && growth < MOST_GROWTH
}

interface Health {
  readonly prediction_log: { readonly spool_bytes: number; readonly dropped: number }
}

async function send(sending: ReturnType<typeof request>): Promise<void> {
  const install = (i: number) => ({
    ...EXAMPLE,
    event_1: i % 101,
    event_2: i % 53,
    event_3: i % 7 === 0 ? null : i % 11,
  })
  const lineOf = (i: number) =>
    isCsv ? Object.values(install(i)).map((value) => value ?? '').join() : JSON.stringify(install(i)) // prettier-ignore
  if (isCsv) sending.write(`${Object.keys(EXAMPLE).join()}\n`)
  for (let row = 0; row < rows; row += ROWS_A_PART) {
    const part = Array.from({ length: Math.min(ROWS_A_PART, rows - row) }, (_, i) => lineOf(row + i) + '\n')
    if (!sending.write(part.join(''))) await once(sending, 'drain')
  }
  sending.end()
}

/** In ms, of predictions one after the other. */
async function latencies(count: number): Promise<number[]> {
  const all: number[] = []
  for (let i = 0; i < count; i++) {
    const started = performance.now()
    const response = await fetch(`${service.url}/predict`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(EXAMPLE),
    })
    await response.arrayBuffer()
    all.push(performance.now() - started)
  }
  return all.toSorted((a, b) => a - b)
}

function described(sorted: readonly number[]): string {
  const at = (percent: number) => sorted[Math.floor((sorted.length * percent) / 100)]!.toFixed(1)
  return `p50 ${at(50)} ms, p99 ${at(99)} ms`
}
