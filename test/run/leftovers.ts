/**
 * The processes of a run that are still there: those that carry its mark in their environment or its folder in their command line, and
 * all that they started. On Linux; elsewhere none is found.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** The variable by which every process of a run is known. Its value is the folder of the run. */
export const RUN_MARK = 'DAY7_TEST_RUN'

/** What is ending has this long before it is ended: a cap on a hang. */
const GRACE_MS = Number(process.env['TEST_GRACE_MS'] ?? 30_000)
const POLL_MS = 50

/** @returns the command lines of those that had to be killed */
export async function endRemaining(folder: string, { atOnce = false } = {}): Promise<string[]> {
  const deadline = performance.now() + (atOnce ? 0 : GRACE_MS)
  while (performance.now() < deadline && processesOf(folder).length > 0) await delay(POLL_MS)
  const killed = new Map<number, string>()
  for (;;) {
    const found = processesOf(folder)
    if (found.length === 0) return [...killed.values()]
    for (const { pid, command } of found) {
      killed.set(pid, command)
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // it has just ended
      }
    }
    await delay(POLL_MS)
  }
}

interface Found {
  readonly pid: number
  readonly command: string
}

function processesOf(folder: string): Found[] {
  if (process.platform !== 'linux') return []
  const all = readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0 && pid !== process.pid)
    .flatMap(readProcess)
  const mine = new Set(
    all
      .filter(({ environment, command }) => `${environment}\0${command}`.includes(folder))
      .map(({ pid }) => pid),
  )
  for (let before = -1; before < mine.size;) {
    before = mine.size
    for (const { pid, parent } of all) if (mine.has(parent)) mine.add(pid)
  }
  return all.filter(({ pid }) => mine.has(pid))
}

function readProcess(pid: number): (Found & { parent: number; environment: string })[] {
  const read = (file: string): string => readFileSync(`/proc/${pid}/${file}`, 'latin1')
  try {
    // After the name, which may hold anything: the state and the parent.
    const [state, parent] = read('stat')
      .replace(/^.*\) /s, '')
      .split(' ')
    if (state === 'Z') return []
    const command = read('cmdline').replaceAll('\0', ' ').trim()
    return [{ pid, parent: Number(parent), command, environment: read('environ') }]
  } catch {
    return [] // it has just ended, or is another user's
  }
}
