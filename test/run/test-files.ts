/**
 * Test files of TypeScript, each in a process of its own, some at a time. For each a line says that it ended; of one that failed, all but its
 * passed tests is printed.
 *
 * Node runs them without tap's command, whose hooks into every import cost processor time in each file and in each service that a test starts.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { atLeastOneIf, type Outcome } from './outcome.ts'
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
  const waiting = [...files]
  const secondsOf = new Map<string, number>()
  const failures: string[] = []
  const skipped: string[] = []
  let passed = 0
  let failed = 0
  const runner = async (): Promise<void> => {
    for (let file; (file = waiting.shift()) !== undefined;) {
      const ended = await runTestFile(file)
      secondsOf.set(file, ended.seconds)
      passed += ended.passed
      failed += ended.failed
      failures.push(...ended.failures)
      skipped.push(...ended.skipped)
      console.log(ended.said)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, runner))
  return { passed, failed, failures, skipped, secondsOf }
}

interface Ended {
  readonly passed: number
  readonly failed: number
  /** A line for each. */
  readonly failures: readonly string[]
  readonly skipped: readonly string[]
  readonly seconds: number
  /** What is to be printed. */
  readonly said: string
}

async function runTestFile(file: string): Promise<Ended> {
  const startMs = performance.now()
  const child = spawn(process.execPath, [file], {
    env: { ...process.env, TAP_TIMEOUT: '0' },
    detached: true, // in a group of its own, so that all of it can be ended
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  killedWithUs(child, { group: true })
  const lines: string[] = []
  for (const stream of [child.stdout, child.stderr])
    createInterface(stream).on('line', (line) => lines.push(line))
  const limit = setTimeout(() => {
    lines.push(`not ok - ${file} has not ended in ${LIMIT_MS / 60_000} minutes`)
    endGroup(child.pid!)
  }, LIMIT_MS)
  const closed = once(child, 'close')
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  clearTimeout(limit)
  if (endGroup(child.pid!)) lines.push(`# ${file} left processes behind; they were killed`)
  // Its output has not ended where one is left that moved to a group of its own.
  await Promise.race([closed, delay(OUTPUT_ENDS_WITHIN_MS, null, { ref: false })])

  const seconds = (performance.now() - startMs) / 1000
  const summary = lines.findLast((line) => SUMMARY.test(line))
  const count = (kind: string): number =>
    Number(new RegExp(`\\b${kind}: (\\d+)`).exec(summary ?? '')?.[1] ?? 0)
  // tap's exit code is lost where a test has ended its process with one.
  const isBad = code !== 0 || summary === undefined || count('total') === 0 || count('fail') > 0
  const failures = lines
    .flatMap((line) => FAILED.exec(line)?.[1] ?? [])
    .map((test) => `${file}: ${test.replace(/ # time=.*/, '')}`)
  if (isBad && failures.length === 0) failures.push(`${file}: ended with ${signal ?? code}`)
  return {
    passed: count('pass'),
    failed: atLeastOneIf(isBad, count('fail')),
    failures,
    skipped: lines.flatMap((line) => {
      const [, test, reason] = SKIPPED.exec(line) ?? []
      return test ? [`${file}: ${test}${reason && `:${reason}`}`] : []
    }),
    seconds,
    said: [
      `${file} ${isBad ? 'FAILED' : 'passed'} in ${seconds.toFixed(1)} s`,
      ...(isBad ? lines.filter((line) => !PASSED.test(line)) : []),
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
