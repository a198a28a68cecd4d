/**
 * Every test, Python's and TypeScript's; the last line says how many passed and failed. Exit code 0 only if all passed.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { makeVenv, PYTHON } from '../training/venv.ts'

interface Outcome {
  readonly passed: number
  readonly failed: number
}

makeVenv()
// The other environments are made beside Python's tests; a test that needs one before it is there makes its own.
for (const folder of ['mlflow-2', 'protocols'])
  spawn(process.execPath, [`test/${folder}/venv.ts`], { stdio: 'ignore' })
const folder = mkdtempSync(join(tmpdir(), 'day7-test-'))
const outcomes = [pytest(join(folder, 'pytest.xml')), tap(join(folder, 'tap.txt'))]
rmSync(folder, { recursive: true })

const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0)
// On a line of its own: tap's reporter may leave a cursor sequence at the start of this one.
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

function pytest(report: string): Outcome {
  const args = ['-m', 'pytest', '--quiet', '-n', '2', '--dist', 'loadfile', `--junitxml=${report}`]
  const exitCode = spawnSync(PYTHON, args, { cwd: 'training', stdio: 'inherit' }).status
  const suite = /<testsuite [^>]*>/.exec(readFileSync(report, 'utf8'))![0]
  const count = (attribute: string): number =>
    Number(new RegExp(` ${attribute}="(\\d+)"`).exec(suite)?.[1] ?? 0)
  const failed = count('failures') + count('errors')
  return { passed: count('tests') - failed - count('skipped'), failed: atLeastOneIf(exitCode !== 0, failed) }
}

function tap(report: string): Outcome {
  const args = ['--reporter=terse', `--output-file=${report}`]
  const exitCode = spawnSync('tap', args, { stdio: 'inherit' }).status
  const lines = readFileSync(report, 'utf8')
  const summary = /^# \{ (.*) \}$/m.exec(lines)?.[1] ?? ''
  // Once more, with the path down to each: the reporter's own words may have scrolled away.
  console.log(lines.match(/^ *not ok (?!.*# (?:TODO|SKIP)).*$/gm)?.join('\n') ?? '')
  const count = (kind: string): number => Number(new RegExp(`${kind}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { passed: count('pass'), failed: atLeastOneIf(exitCode !== 0, count('fail')) }
}

/** A run can fail without a failed test: a file that does not load, a time-out. */
function atLeastOneIf(bad: boolean, failed: number): number {
  return bad ? Math.max(1, failed) : failed
}
