/**
 * A command beside others: what it prints is given line by line, so that lines of two do not mix.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

interface Options {
  readonly cwd?: string
  /** Of stdout and of stderr. */
  readonly print: (line: string) => void
}

/** @returns its exit code, null if a signal ended it */
export async function run(
  command: string,
  args: readonly string[],
  { cwd = '.', print }: Options,
): Promise<number | null> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] })
  for (const stream of [child.stdout, child.stderr]) createInterface(stream).on('line', print)
  const [code] = (await once(child, 'close')) as [number | null]
  return code
}
