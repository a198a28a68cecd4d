/**
 * `day7 predict` beside pandas and LightGBM in Python, on the same CSV and the same cores: rows a second, and the most memory that each
 * has taken → Markdown on the screen and, with --write, in docs/benchmarks.md. Each is measured once a round, one right after the other;
 * seconds are those of a whole process but for Python, whose imports do not count.
 *
 *   node test/bench/predict-file.ts [--rows 1000000] [--rounds 3] [--write]
 *
 * The file has 75 bytes a row and lies, with what is written, in the folder for temporary files.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { PYTHON } from '../../training/venv.ts'
import { layOut, median, writePage } from './report.ts'

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    rounds: { type: 'string', default: '3' },
    write: { type: 'boolean', default: false },
  },
})
const ROWS = Number(values.rows)
const ROUNDS = Number(values.rounds)
/** What is synthesised; the file repeats it, each row with a user of its own. */
const DISTINCT_ROWS = Math.min(ROWS, 100_000)
/** What is fastest for Python here; more takes more memory. */
const PYTHON_ROWS_AT_ONCE = 100_000
/** Both compute exp by themselves, and round. */
const MOST_DIFFERENCE = 1.1e-6
const COMPARED_ROWS = 100_000
/** Of Linux, a second. */
const CLOCK_TICKS = 100
const WATCH_MS = 50
const BUNDLE = resolve('artifacts/champion')

interface Run {
  readonly seconds: number
  readonly cpuSeconds: number
  /** Null where the machine does not tell. */
  readonly peakBytes: number | null
}

const folder = mkdtempSync(join(tmpdir(), 'day7-bench-'))
const file = (name: string): string => join(folder, name)
try {
  console.error(`making ${ROWS.toLocaleString('en')} rows`)
  await makeInstalls()
  const day7: Run[] = []
  const python: Run[] = []
  for (let round = 0; round < ROUNDS; round++) {
    day7.push(await runDay7())
    python.push(runPython())
    console.error(JSON.stringify({ day7: day7.at(-1), python: python.at(-1) }))
  }
  await expectSame()
  const report = reportOf(day7, python)
  console.log(report)
  if (values.write) writePage('files', report)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function makeInstalls(): Promise<void> {
  const args = ['-m', 'day7_training', 'synthesize', '--rows', String(DISTINCT_ROWS), '--seed', '3']
  const made = spawnSync(PYTHON, [...args, '--out', file('distinct.csv')], {
    cwd: 'training',
    stdio: 'ignore',
  })
  if (made.status !== 0) throw new Error(`synthesize: exit code ${made.status}`)
  const [header, ...lines] = readFileSync(file('distinct.csv'), 'utf8').trimEnd().split('\n')
  const rests = lines.map((line) => line.slice(line.indexOf(',')))
  const out = createWriteStream(file('installs.csv'))
  out.write(`${header}\n`)
  for (let from = 0; from < ROWS; from += DISTINCT_ROWS) {
    const some = rests
      .slice(0, ROWS - from)
      .map((rest, i) => `${(from + i).toString(16).padStart(8, '0')}${rest}\n`)
    if (!out.write(some.join(''))) await once(out, 'drain')
  }
  await new Promise<void>((done) => out.end(done))
}

async function runDay7(): Promise<Run> {
  const args = ['src/cli.ts', 'predict', file('installs.csv'), '--out', file('day7.csv'), '--json']
  const startMs = performance.now()
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  const used = watch(child)
  const [code] = (await once(child, 'exit')) as [number]
  if (code !== 0) throw new Error(`day7 predict: exit code ${code}`)
  return { seconds: (performance.now() - startMs) / 1000, ...used() }
}

/** Linux keeps the most memory that a process has had, and the time that it took, as long as it lives. */
function watch(child: ChildProcess): () => { cpuSeconds: number; peakBytes: number | null } {
  let last = { cpuSeconds: NaN, peakBytes: null as number | null }
  const timer = setInterval(() => {
    const about = `/proc/${child.pid}`
    if (!existsSync(`${about}/stat`)) return
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`${about}/status`, 'utf8'))
    const times = readFileSync(`${about}/stat`, 'utf8').split(') ')[1]!.split(' ')
    if (peak)
      last = {
        cpuSeconds: (Number(times[11]) + Number(times[12])) / CLOCK_TICKS,
        peakBytes: Number(peak[1]) * 1024,
      }
  }, WATCH_MS)
  return () => {
    clearInterval(timer)
    return last
  }
}

function runPython(): Run {
  const args = [BUNDLE, file('installs.csv'), file('python.csv'), String(PYTHON_ROWS_AT_ONCE)]
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-B', 'test/bench/predict_file.py', ...args], {
    encoding: 'utf8',
    env: { ...process.env, PYTHONPATH: resolve('training') },
  })
  if (status !== 0) throw new Error(stderr)
  const { seconds, cpu_seconds: cpuSeconds, peak_bytes: peakBytes, spent } = JSON.parse(stdout)
  console.error('python', JSON.stringify(spent))
  return { seconds, cpuSeconds, peakBytes }
}

/** The revenue of the first rows, and how many rows there are. */
async function expectSame(): Promise<void> {
  const lines = [file('day7.csv'), file('python.csv')].map((path) =>
    createInterface({ input: createReadStream(path) })[Symbol.asyncIterator](),
  )
  for (let row = 0; row <= Math.min(ROWS, COMPARED_ROWS); row++) {
    const [ours, theirs] = await Promise.all(lines.map(async (each) => String((await each.next()).value)))
    const [a, b] = [ours!, theirs!].map((line) => line.slice(line.lastIndexOf(',') + 1))
    if (row === 0 ? ours !== theirs : !(Math.abs(Number(a) - Number(b)) <= MOST_DIFFERENCE))
      throw new Error(`line ${row + 1}: expected ${theirs}, got ${ours}`)
  }
}

function reportOf(day7: readonly Run[], python: readonly Run[]): string {
  const of = (runs: readonly Run[], value: (run: Run) => number): number => median(runs.map(value))
  const rate = (runs: readonly Run[]): number => ROWS / of(runs, ({ seconds }) => seconds)
  const row = (name: string, runs: readonly Run[]): string[] => [
    name,
    Math.round(rate(runs)).toLocaleString('en'),
    (rate(runs) / rate(python)).toFixed(2),
    `${((of(runs, ({ cpuSeconds }) => cpuSeconds) / ROWS) * 1e6).toFixed(1)} µs`,
    `${Math.round(of(runs, ({ peakBytes }) => peakBytes ?? NaN) / 2 ** 20)} MiB`,
  ]
  const ratios = day7.map(({ seconds }, i) => python[i]!.seconds / seconds)
  return [
    `${ROWS.toLocaleString('en')} rows of CSV, ${availableParallelism()} cores, median of ${ROUNDS} rounds; the ratio of the rounds was from ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}.`,
    layOut(
      ['', 'rows a second', 'ratio', 'CPU time a row', 'most memory'],
      [row('`day7 predict`', day7), row('pandas, the feature plan in numpy, LightGBM', python)],
    ),
  ].join('\n\n')
}
