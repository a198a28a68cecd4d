/**
 * Python's tests. They run beside TypeScript's, so their output is printed when all have ended: a line for each file, and what pytest says of
 * those that failed.
 */
import { existsSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { PYTHON } from '../../training/venv.ts'
import { longestFirst, readDurations } from './durations.ts'
import { atLeastOneIf, type Outcome } from './outcome.ts'
import { run } from './process.ts'

const CASE = /<testcase classname="([\w.]+)" name="([^"]*)" time="([\d.]+)"(?: ?\/>|>([\s\S]*?)<\/testcase>)/g
const SKIPPED = /<skipped [^>]*?message="([^"]*)"/
const BROKEN = /<(failure|error)\b/

interface FileOutcome {
  seconds: number
  failed: number
}

/** @param report the path of a file that it may write */
export async function pytest(files: readonly string[], report: string, long: boolean): Promise<Outcome> {
  const ordered = longestFirst(
    files.map((file) => [file]),
    readDurations(),
  )
  const paths = ordered.flat().map((file) => relative('training', file))
  const args = [
    '-m',
    'pytest',
    '--quiet',
    '-n',
    '2',
    '--dist',
    'loadfile',
    '--no-loadscope-reorder',
    `--junitxml=${report}`,
    ...paths,
  ]
  const lines: string[] = []
  const print = (line: string): void => void lines.push(line)
  const code = await run(PYTHON, [...args, ...(long ? ['-m', 'long'] : [])], { cwd: 'training', print })

  const byFile = new Map<string, FileOutcome>()
  const failures: string[] = []
  const skipped: string[] = []
  let passed = 0
  for (const [, module, name, seconds, inside = ''] of read(report).matchAll(CASE)) {
    const file = `training/${module!.replaceAll('.', '/')}.py`
    const outcome = byFile.get(file) ?? { seconds: 0, failed: 0 }
    byFile.set(file, outcome)
    outcome.seconds += Number(seconds)
    const reason = SKIPPED.exec(inside)?.[1]
    if (BROKEN.test(inside)) {
      outcome.failed++
      failures.push(`${file} ${unescape(name!)}`)
    } else if (reason) skipped.push(`${file}: ${unescape(reason)}`)
    else passed++
  }
  for (const [file, { seconds, failed }] of byFile)
    console.log(`${file} ${failed > 0 ? `FAILED ${failed} tests` : 'passed'} in ${seconds.toFixed(1)} s`)
  // 5: there was no test, as where none is long.
  const isBad = code !== 0 && code !== 5
  if (isBad) console.log(lines.join('\n'))
  if (isBad && failures.length === 0) failures.push(`pytest ended with ${code}: ${lines.at(-1)}`)
  return {
    passed,
    failed: atLeastOneIf(isBad, failures.length),
    failures,
    skipped,
    secondsOf: new Map([...byFile].map(([file, { seconds }]) => [file, seconds])),
  }
}

const read = (report: string): string => (existsSync(report) ? readFileSync(report, 'utf8') : '')

const ENTITIES: Readonly<Record<string, string>> = { quot: '"', apos: "'", lt: '<', gt: '>', amp: '&' }

const unescape = (text: string): string =>
  text.replaceAll(/&(?:#(x?)([0-9A-Fa-f]+)|(\w+));/g, (_, x: string, digits: string, name: string) =>
    name ? (ENTITIES[name] ?? '') : String.fromCodePoint(Number.parseInt(digits, x ? 16 : 10)),
  )
