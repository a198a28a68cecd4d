/**
 * Files to score, and the service's answers for the same installs.
 */
import { readFileSync } from 'node:fs'
import { Writable } from 'node:stream'
import { basename, join } from 'node:path'
import { type BundleParts, verifyBundle } from '../../src/bundle/index.ts'
import { csvCell, formatOfName, type NamedFormat } from '../../src/formats/index.ts'
import { scoreFile, type ScoringOptions, type ScoringSummary } from '../../src/scoring/index.ts'
import { appWith, send } from '../http/app.ts'
import { EXAMPLE } from '../example.ts'

export type Install = { readonly [Field in keyof typeof EXAMPLE]: (typeof EXAMPLE)[Field] | null }
export const FIELDS = Object.keys(EXAMPLE) as (keyof typeof EXAMPLE)[]

const CHAMPION = 'artifacts/champion'
export const parts: BundleParts = await verifyBundle(CHAMPION)

/** Some four hundred, most of them odd. The service takes none without a platform, and an empty cell is null. */
export const golden: readonly Install[] = readFileSync(join(CHAMPION, 'golden.ndjson'), 'utf8')
  .split('\n')
  .filter(Boolean)
  .map((line) => (JSON.parse(line) as { readonly install: Install }).install)
  .filter(({ platform }) => platform !== null && platform !== '')

export interface ApiAnswer {
  readonly predicted_revenue?: number
  readonly explanation?: unknown
  readonly error?: string
}

/** What `/batch_predict` answers for each. */
export async function apiAnswers(users: readonly unknown[], explain = false): Promise<ApiAnswer[]> {
  const most = users.length
  const { app } = await appWith({ batchMaxUsers: most, explainMaxUsers: most }, 100_000_000)
  const url = `/batch_predict?explain=${explain}`
  const { body } = await send(app, { method: 'POST', url, payload: { users: [...users] } })
  await app.close()
  return body.predictions
}

export const csvLine = (cells: readonly (string | number | null)[]): string =>
  cells.map((cell) => csvCell(cell === null ? null : String(cell))).join()

/** The lines of a CSV of these installs, with a column before the nine and one behind. */
export function csvLinesOf(installs: readonly Install[]): string[] {
  const rows = installs.map((install, i) =>
    csvLine([`p${i}`, ...FIELDS.map((field) => install[field]), 'x,y']),
  )
  return [`user_id,${FIELDS.join()},note`, ...rows]
}

export interface Scored {
  readonly summary: ScoringSummary
  readonly output: string
  /** Line, error and row of each. */
  readonly faults: string
}

/** Without the values that the model does not know, which `unknown-values.test.ts` looks at. */
export const countsOf = ({ predicted, failed, leftOut }: ScoringSummary) => ({ predicted, failed, leftOut })

/** Into memory. */
export async function score(path: string, options: Partial<ScoringOptions> = {}): Promise<Scored> {
  const [output, faults] = [memory(), memory()]
  const format = formatOfName(basename(path)) as NamedFormat
  const summary = await scoreFile({
    input: [{ from: path, format }],
    output: { to: output.stream, format: format.format === 'ndjson' ? 'ndjson' : 'csv' },
    faults: faults.stream,
    parts,
    explain: false,
    threads: 1,
    id: 'test',
    signal: new AbortController().signal,
    onProgress: () => {},
    ...options,
  })
  return { summary, output: output.text(), faults: faults.text() }
}

function memory() {
  const chunks: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _, done) {
      chunks.push(Buffer.from(chunk))
      done()
    },
  })
  return { stream, text: () => Buffer.concat(chunks).toString() }
}
