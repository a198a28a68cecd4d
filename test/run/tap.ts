/**
 * Tests of TypeScript, two files at a time. For each file a line says that it ended; of one that failed, all but its passed tests is
 * printed.
 */
import { atLeastOneIf, NOTHING, type Outcome } from './outcome.ts'
import { run } from './process.ts'

/** The last line of a file's part; those of its tests are indented. */
const ENDED = /^(not )?ok \d+ - (\S+\.test\.ts).* # time=([\d.]+)ms/
const SUMMARY = /^# \{ (.*) \}$/
const FAILED = /^ *not ok \d+ - (?!.*# (?:TODO|SKIP))(.*)/
const PASSED = /^ *ok \d+/
const SKIPPED = /^ *ok \d+ - (.*) # SKIP(.*)$/

export async function tap(files: readonly string[]): Promise<Outcome> {
  // Of no files, tap would run all.
  if (files.length === 0) return NOTHING
  const secondsOf = new Map<string, number>()
  const failures: string[] = []
  const skipped: string[] = []
  let summary = ''
  let part: string[] = []
  const print = (line: string): void => {
    part.push(line)
    summary = SUMMARY.exec(line)?.[1] ?? summary
    const ended = ENDED.exec(line)
    if (!ended) return
    const [, not, file, ms] = ended
    const seconds = Number(ms) / 1000
    secondsOf.set(file!, seconds)
    console.log(`${file} ${not ? 'FAILED' : 'passed'} in ${seconds.toFixed(1)} s`)
    if (not) console.log(part.filter((line) => !PASSED.test(line)).join('\n'))
    for (const line of part) {
      const [, test, reason] = SKIPPED.exec(line) ?? []
      if (test) skipped.push(`${file}: ${test}${reason && `:${reason}`}`)
      const failed = FAILED.exec(line)?.[1]
      if (failed) failures.push(`${file} ${failed.replace(/ # time=.*/, '')}`)
    }
    part = []
  }
  const code = await run('tap', ['--reporter=tap', ...files], { print })
  // What comes after the last file: tap's own words.
  if (code !== 0) console.log(part.join('\n'))
  const count = (kind: string): number => Number(new RegExp(`${kind}: (\\d+)`).exec(summary)?.[1] ?? 0)
  const failed = atLeastOneIf(code !== 0, count('fail'))
  if (failed > 0 && failures.length === 0) failures.push(`tap ended with ${code}`)
  return { passed: count('pass'), failed, failures, skipped, secondsOf }
}
