/**
 * Several command lines in one process: each process takes half a second to load what it runs.
 *
 *   node test/command-lines.ts '[["verify", "artifacts/champion"]]'      prints what each came to, as JSON
 */
import { execFileSync } from 'node:child_process'
import { run } from '../src/cli.ts'

export interface Ran {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
}

export function commandLines(...commands: readonly (readonly string[])[]): Ran[] {
  const printed = execFileSync(process.execPath, [import.meta.filename, JSON.stringify(commands)])
  return JSON.parse(printed.toString()) as Ran[]
}

async function ran(args: readonly string[]): Promise<Ran> {
  const written = { stdout: '', stderr: '' }
  const streams = ['stdout', 'stderr'] as const
  const writes = streams.map((name) => process[name].write)
  for (const name of streams)
    process[name].write = (text: string | Uint8Array) => {
      written[name] += String(text)
      return true
    }
  try {
    return { status: await run(args, process.env), ...written }
  } finally {
    for (const [at, name] of streams.entries()) process[name].write = writes[at]!
  }
}

if (import.meta.main) {
  const all: Ran[] = []
  for (const args of JSON.parse(process.argv[2]!) as string[][]) all.push(await ran(args))
  process.stdout.write(JSON.stringify(all))
}
