/**
 * Test files of TypeScript, in processes, some at a time. For each a line says that it ended; of one that failed, all but its passed tests
 * is printed.
 *
 * Node runs them without tap's command, whose hooks into every import cost processor time in each file and in each service that a test starts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { atLeastOneIf, type Outcome } from './outcome.ts'
import { longestFirst, readDurations } from './durations.ts'
import { END_OF, FILES, groupFiles } from './groups.ts'
import { killedWithUs } from './reaper.ts'

/** Only a file that hangs takes that long, on any machine. */
const LIMIT_MS = 20 * 60_000
const OUTPUT_ENDS_WITHIN_MS = 10_000

/** tap's last words. */
const SUMMARY = /^# \{ (.*) \}$/
const FAILED = /^ *not ok (?:\d+ )?- (?!.*# (?:TODO|SKIP))(.*)/
const PASSED = /^ *ok \d+/
const SKIPPED = /^ *ok \d+ - (.*) # SKIP(.*)$/

export async function runTestFiles(files: readonly string[], atOnce = 3): Promise<Outcome> {
  const waiting = longestFirst(groupFiles(files), readDurations())
  const secondsOf = new Map<string, number>()
  const failures: string[] = []
  const skipped: string[] = []
  let passed = 0
  let failed = 0
  const print = (ended: EndedFile): void => {
    secondsOf.set(ended.file, ended.seconds)
    failures.push(...ended.failures)
    skipped.push(...ended.skipped)
    console.log(ended.said)
  }
  const runner = async (): Promise<void> => {
    for (let group; (group = waiting.shift()) !== undefined;) {
      const ended = await runProcess(group, print)
      passed += ended.passed
      failed += ended.failed
    }
  }
  await Promise.all(Array.from({ length: atOnce }, runner))
  return { passed, failed, failures, skipped, secondsOf }
}

interface EndedFile {
  readonly file: string
  /** A line for each. */
  readonly failures: readonly string[]
  readonly skipped: readonly string[]
  readonly seconds: number
  /** What is to be printed. */
  readonly said: string
}

/** @param print is given each file when it has ended */
async function runProcess(
  files: readonly string[],
  print: (ended: EndedFile) => void,
): Promise<Pick<Outcome, 'passed' | 'failed'>> {
  const isAlone = files.length === 1
  const args = isAlone ? files : ['test/run/together.ts', dirname(files[0]!)]
  let startMs = performance.now()
  const child = spawn(process.execPath, args, {
    env: { ...process.env, TAP_TIMEOUT: '0', ...(!isAlone && { [FILES]: JSON.stringify(files) }) },
    detached: true, // in a group of its own, so that all of it can be ended
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  killedWithUs(child, { group: true })
  const left = [...files]
  let lines: string[] = []
  let failures = 0
  /** @param isBad whatever was printed */
  const endFile = (isBad: boolean, reason = ''): void => {
    const file = left.shift()!
    const nowMs = performance.now()
    const ended = endedFile(file, lines, { isBad, reason, seconds: (nowMs - startMs) / 1000 })
    ;[startMs, lines] = [nowMs, []]
    failures += ended.failures.length
    print(ended)
  }
  let summary: string | undefined
  const take = (line: string): void => {
    lines.push(line)
    if (SUMMARY.test(line)) summary = line
    if (left.length > 1 && PASSED.test(line) && line.includes(` - ${END_OF}${left[0]} #`)) endFile(false)
  }
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', take)
  const limit = setTimeout(() => {
    lines.push(`not ok - ${left[0]} has not ended in ${LIMIT_MS / 60_000} minutes`)
    endGroup(child.pid!)
  }, LIMIT_MS)
  const closed = once(child, 'close')
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(limit)
  if (endGroup(child.pid!)) lines.push(`# ${left[0]} left processes behind; they were killed`)
  // Its output has not ended where one is left that moved to a group of its own.
  await Promise.race([closed, delay(OUTPUT_ENDS_WITHIN_MS, null, { ref: false })])

  const count = (kind: string): number =>
    Number(new RegExp(`\\b${kind}: (\\d+)`).exec(summary ?? '')?.[1] ?? 0)
  const markers = isAlone ? 0 : files.length
  // tap's exit code is lost where a test has ended its process with one.
  const isBad = code !== 0 || summary === undefined || count('total') <= markers || count('fail') > 0
  // What went wrong outside of any test is the last file's, and those that it kept from running.
  const isUnsaid = isBad && failures === 0
  while (left.length > 0) endFile(isUnsaid || summary === undefined, `ended with ${signal ?? code}`)
  return {
    passed: Math.max(0, count('pass') - markers),
    failed: atLeastOneIf(isBad, Math.max(count('fail'), failures)),
  }
}

interface End {
  readonly isBad: boolean
  /** Where no test says why. */
  readonly reason: string
  readonly seconds: number
}

function endedFile(file: string, lines: readonly string[], { isBad, reason, seconds }: End): EndedFile {
  const failures = lines
    .flatMap((line) => FAILED.exec(line)?.[1] ?? [])
    .map((test) => `${file}: ${test.replace(/ # time=.*/, '')}`)
  if (isBad && failures.length === 0) failures.push(`${file}: ${reason}`)
  const hasFailed = failures.length > 0
  return {
    file,
    failures,
    skipped: lines.flatMap((line) => {
      const [, test, reason] = SKIPPED.exec(line) ?? []
      return test ? [`${file}: ${test}${reason && `:${reason}`}`] : []
    }),
    seconds,
    said: [
      `${file} ${hasFailed ? 'FAILED' : 'passed'} in ${seconds.toFixed(1)} s`,
      ...(hasFailed ? lines.filter((line) => !PASSED.test(line)) : []),
    ].join('\n'),
  }
}

/** @returns whether there was anybody */
function endGroup(leader: number): boolean {
  try {
    return process.kill(-leader, 'SIGKILL')
  } catch {
    return false
  }
}
