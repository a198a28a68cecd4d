/**
 * What a service's process has worked, what it holds in memory, and when it has shipped all that it answered. Linux.
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'

/** Of all threads of a process and of its children, since their start. */
export function cpuTimeUs(pid: number): number {
  const children = execFileSync('ps', ['-o', 'pid=', '--ppid', String(pid), '--pid', String(pid)], {
    encoding: 'utf8',
  })
  const threads = children
    .trim()
    .split(/\s+/)
    .flatMap((process) =>
      readdirSync(`/proc/${process}/task`).map((thread) => `/proc/${process}/task/${thread}`),
    )
  const nanoseconds = threads.map((thread) =>
    Number(readFileSync(`${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  return nanoseconds.reduce((sum, ns) => sum + ns, 0) / 1000
}

export const residentMegabytes = (pid: number): number => megabytesOf(pid, 'VmRSS')

/** Since its start. */
export const mostMegabytes = (pid: number): number => megabytesOf(pid, 'VmHWM')

function megabytesOf(pid: number, figure: 'VmRSS' | 'VmHWM'): number {
  const text = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(new RegExp(`${figure}:\\s+(\\d+)`).exec(text)![1]) / 1024
}

interface Health {
  readonly prediction_log: { readonly spool_bytes: number }
}

/** Until half a second long nothing was left to be shipped. */
export async function untilShipped(url: string): Promise<void> {
  for (let quiet = 0; quiet < 5; await delay(100)) {
    const health = (await (await fetch(`${url}/health`)).json()) as Health
    quiet = health.prediction_log.spool_bytes === 0 ? quiet + 1 : 0
  }
}
