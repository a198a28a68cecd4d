/**
 * Every test, Python's and TypeScript's, side by side; the last line says how many passed and failed. Exit code 0 only if all passed.
 * `--long` runs the long forms instead: Python's tests that are marked so, and each test file that asks whether the run is long.
 */
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { importedBy } from './run/imports.ts'
import type { Outcome } from './run/outcome.ts'
import { run } from './run/process.ts'
import { pytest } from './run/pytest.ts'
import { tap } from './run/tap.ts'

const LONG = process.argv.includes('--long')
const SLOWEST = 10
/** What makes the environment of Python. */
const VENV = 'training/venv.ts'

process.env['TEST_LONG'] = LONG ? '1' : '0'
// Every test and every service that it starts loads the same code: without this, a fifth of all work is to compile it.
process.env['NODE_COMPILE_CACHE'] ??= 'node_modules/.cache/day7-test/compiled'

const files = readdirSync('test', { recursive: true, encoding: 'utf8' })
  .map((file) => join('test', file))
  .filter((file) => !/node_modules|\.venv/.test(file))
  .filter((file) => file.endsWith('.test.ts') && (!LONG || importedBy(file).has('test/long.ts')))
const needsPython = (file: string): boolean => importedBy(file).has(VENV)

const folder = mkdtempSync(join(tmpdir(), 'day7-test-'))
// In a new checkout it takes minutes to make the environment: what needs no Python is tested meanwhile.
const venv = run(process.execPath, [VENV, ...(LONG ? ['--spark'] : [])], { print: console.log })
// A test that needs the other environment before it is there makes its own.
if (LONG) void run(process.execPath, ['test/mlflow-2/venv.ts'], { print: () => {} })
const withoutPython = tap(files.filter((file) => !needsPython(file)))
const outcomes = await Promise.all([withoutPython, typescriptWithPython(), python()])
rmSync(folder, { recursive: true })

// Once more, with the path down to each: what was printed may have scrolled away.
for (const { failures } of outcomes) for (const failure of failures) console.log(failure)

console.log('\nThe slowest files, in seconds, of which other files had a part:')
const seconds = outcomes.flatMap((outcome) => [...outcome.secondsOf]).toSorted(([, a], [, b]) => b - a)
for (const [file, took] of seconds.slice(0, SLOWEST)) console.log(`${took.toFixed(1).padStart(7)}  ${file}`)

const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, 0)
console.log(`\n${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0

async function typescriptWithPython(): Promise<Outcome> {
  await Promise.all([venv, withoutPython])
  return tap(files.filter(needsPython))
}

/** An environment that could not be made lets every test fail that needs it. */
async function python(): Promise<Outcome> {
  await venv
  return pytest(join(folder, 'pytest.xml'), LONG)
}
