/**
 * Every test, Python's and TypeScript's, side by side; the last line says how many passed and failed. Exit code 0 only if all passed and no
 * process was left behind.
 *
 * `npm test -- PATH …` runs these files, or those in these folders. `--long` runs the long forms instead: Python's tests that are marked so,
 * and each test file that asks whether the run is long.
 */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeVenv, VenvError } from '../training/venv.ts'
import {
  groupsOf,
  needsPython,
  needsServers,
  SelectionError,
  selectTests,
  type Selection,
} from './run/selection.ts'
import { keepDurations } from './run/durations.ts'
import { endRemaining, RUN_MARK } from './run/leftovers.ts'
import { NOTHING, type Outcome } from './run/outcome.ts'
import { printReport } from './run/report.ts'
import { pytest } from './run/pytest.ts'
import { startServers } from './run/servers.ts'
import { runTestFiles } from './run/test-files.ts'

/** All files of the run are in it, so that none is left behind. */
const folder = mkdtempSync(join(tmpdir(), 'day7-test-'))
chmodSync(folder, 0o755) // PostgreSQL runs as a user of its own where we are root
process.env['TMPDIR'] = folder
process.env[RUN_MARK] = folder
let isStopped = false
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const)
  process.once(signal, () => {
    isStopped = true
    console.error(`\n${signal}: ending all processes of the run`)
    void end().then(() => process.exit(128 + number))
  })

try {
  await run(selectTests(process.argv.slice(2)))
} catch (error) {
  const isExpected = error instanceof SelectionError || error instanceof VenvError
  console.error(isExpected ? error.message : error)
  process.exitCode = 1
} finally {
  if (!isStopped) {
    await end()
    // An exit code that is only set would be overwritten by tap, which the servers load.
    process.exit()
  }
}

async function run(selection: Selection): Promise<void> {
  const { long, typescript, python } = selection
  process.env['TEST_LONG'] = long ? '1' : '0'
  // Every test and every service that it starts loads the same code: without this, a fifth of all work is to compile it.
  process.env['NODE_COMPILE_CACHE'] ??= join(process.cwd(), 'node_modules/.cache/day7-test/compiled')
  // The same of Python's modules, which are installed uncompiled; containers are often set to leave them so.
  process.env['PYTHONPYCACHEPREFIX'] ??= join(process.cwd(), 'node_modules/.cache/day7-test/python')
  delete process.env['PYTHONDONTWRITEBYTECODE']
  if (python.length > 0 || typescript.some(needsPython)) makeVenv(...groupsOf(selection))
  const stopServers = typescript.some(needsServers) ? await startServers() : null
  const outcomes = await Promise.all([
    runTestFiles(typescript),
    python.length > 0 ? pytest(python, join(folder, 'pytest.xml'), long) : NOTHING,
  ])
  await stopServers?.()
  if (isStopped) return
  for (const { secondsOf } of outcomes) keepDurations(secondsOf)
  const left = await endRemaining(folder)
  printReport([...outcomes, leftBehind(left)])
}

/** A process that outlives its test is a fault of that test. */
function leftBehind(processes: readonly string[]): Outcome {
  const failures = processes.map((each) => `left behind by its test: ${each}`)
  return { ...NOTHING, failed: failures.length, failures }
}

async function end(): Promise<void> {
  await endRemaining(folder, { atOnce: true })
  rmSync(folder, { recursive: true, force: true })
}
