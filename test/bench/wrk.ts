/**
 * A run of wrk → its figures.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export interface WrkFigures {
  readonly requests: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** @throws Error if wrk fails, or if any answer is no success */
export async function runWrk(
  url: string,
  script: string,
  connections: number,
  seconds: number,
): Promise<WrkFigures> {
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', '-s', script, url]
  const wrk = spawn('wrk', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  wrk.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const [code] = (await once(wrk, 'close')) as [number | null]
  if (code !== 0 || /Non-2xx/.test(text)) throw new Error(`wrk: exit code ${code}\n${text}`)
  return {
    requests: Number(/(\d+) requests in/.exec(text)![1]),
    perSecond: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)![1]),
    p50Ms: milliseconds(/ 50%\s+(\S+)/.exec(text)![1]!),
    p99Ms: milliseconds(/ 99%\s+(\S+)/.exec(text)![1]!),
  }
}

function milliseconds(text: string): number {
  const unit = { us: 0.001, ms: 1, s: 1000 }[/[a-z]+$/.exec(text)![0]]
  return Number.parseFloat(text) * unit!
}
