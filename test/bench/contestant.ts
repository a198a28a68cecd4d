/**
 * One process with contenders in it, spoken to in lines. Its first line is a JSON list of its contenders; then it answers every
 * line "SECONDS KIND NAME" with {"nanoseconds": per row}, measured for about so many seconds as the median of slices of 50 rows. A process that dies is a
 * contender that failed, never the end of the benchmark.
 */
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

export type Kind = 'row' | 'batch'

export interface Contender {
  readonly name: string
  readonly kind: Kind
  /** Greatest distance from LightGBM's answer, and how many rows are further away than 1e-9. */
  readonly difference?: number
  readonly differing?: number
  readonly failure?: string
}

export interface Contestant {
  readonly contenders: readonly Contender[]
  /** Nanoseconds per row. */
  measure(contender: Contender, seconds: number): Promise<number>
  close(): void
}

/** @param names what is reported as failed if the process does not even start */
export async function startContestant(
  command: string,
  args: readonly string[],
  names: readonly Pick<Contender, 'name' | 'kind'>[],
): Promise<Contestant> {
  const environment = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' }
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], env: environment })
  let complaints = ''
  child.stderr.on('data', (chunk: Buffer) => (complaints = (complaints + chunk.toString()).slice(-2000)))
  child.stdin.on('error', () => {})
  const exit = new Promise<number | null>((resolve) => {
    child.on('error', () => resolve(null)).on('close', resolve)
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()

  const read = async (): Promise<unknown> => {
    const { value, done } = await lines.next()
    if (!done) return JSON.parse(value)
    throw new Error(`exit code ${await exit}: ${findReason(complaints)}`)
  }
  try {
    return {
      contenders: (await read()) as Contender[],
      measure: async (contender, seconds) => {
        child.stdin.write(`${seconds} ${contender.kind} ${contender.name}\n`)
        return ((await read()) as { nanoseconds: number }).nanoseconds
      },
      close: () => child.stdin.end(),
    }
  } catch (error) {
    const failure = (error as Error).message
    return {
      contenders: names.map((name) => ({ ...name, failure })),
      measure: () => Promise.reject(error),
      close: () => {},
    }
  }
}

/** The line that names the error: Node and Python print others around it. */
function findReason(complaints: string): string {
  const lines = complaints.trim().split('\n')
  return (lines.find((line) => /^\w*Error\b/.test(line)) ?? lines.at(-1)!).trim()
}
