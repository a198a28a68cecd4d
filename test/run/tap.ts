/**
 * Tests of TypeScript, two files at a time. Of each file a line says that it ended, and others what it skipped; of one that failed, all
 * but its passed tests is printed.
 */
import { atLeastOneIf, NOTHING, type Outcome } from './outcome.ts'
import { run } from './process.ts'

/** The last line of a file's part; those of its tests are indented. */
const ENDED = /^(not )?ok \d+ - (\S+\.test\.ts).* # time=([\d.]+)ms/
const SUMMARY = /^# \{ (.*) \}$/
const FAILED = /^ *not ok (?!.*# (?:TODO|SKIP))/
const PASSED = /^ *ok \d+/
const SKIPPED = /^ *ok \d+ - (.*) # SKIP(.*)$/

export async function tap(files: readonly string[]): Promise<Outcome> {
  // Of no files, tap would run all.
  if (files.length === 0) return NOTHING
  const secondsOf = new Map<string, number>()
  const failures: string[] = []
  let summary = ''
  let part: string[] = []
  const print = (line: string): void => {
    part.push(line)
    if (FAILED.test(line)) failures.push(line)
    summary = SUMMARY.exec(line)?.[1] ?? summary
    const ended = ENDED.exec(line)
    if (!ended) return
    const [, not, file, ms] = ended
    secondsOf.set(file!, Number(ms) / 1000)
    if (not) console.log(part.filter((line) => !PASSED.test(line)).join('\n'))
    else console.log([`${file} passed in ${(Number(ms) / 1000).toFixed(1)} s`, ...skipped(part)].join('\n'))
    part = []
  }
  const code = await run('tap', ['--reporter=tap', ...files], { print })
  // What comes after the last file: tap's own words.
  if (code !== 0) console.log(part.join('\n'))
  const count = (kind: string): number => Number(new RegExp(`${kind}: (\\d+)`).exec(summary)?.[1] ?? 0)
  return { passed: count('pass'), failed: atLeastOneIf(code !== 0, count('fail')), failures, secondsOf }
}

const skipped = (lines: readonly string[]): string[] =>
  lines.flatMap((line) => {
    const found = SKIPPED.exec(line)
    return found ? [`  skipped: ${found[1]}${found[2] && `:${found[2]}`}`] : []
  })
