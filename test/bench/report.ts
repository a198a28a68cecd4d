/**
 * What was measured → Markdown: two tables (one row, 10,000 rows) with the models side by side, written into
 * docs/benchmarks.md between its markers. The tables are laid out as prettier lays them, so that the page stays checked.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import type { Contender, Kind } from './contestant.ts'
import { PYTHON, ROWS } from './install.ts'

/** One contender on one model: what each round measured. */
export interface Result {
  readonly contender: Contender
  readonly nanoseconds: readonly number[]
  /** To the baseline, which was measured just before in the same round. */
  readonly ratios: readonly number[]
}

export interface ModelResults {
  readonly model: string
  readonly results: readonly Result[]
}

const DOCS = join(import.meta.dirname, '../../docs')

/** NaN if there are none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return NaN
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function renderReport(models: readonly ModelResults[], rounds: number): string {
  return [
    describeMachine(rounds),
    '### One row',
    renderTable(models, 'row'),
    `### ${ROWS.toLocaleString('en')} rows at once`,
    renderTable(models, 'batch'),
    ...renderFailures(models),
  ].join('\n\n')
}

/** Puts the report between the markers `<!-- part -->` and `<!-- /part -->` of the page. */
export function writePage(
  part: 'evaluator' | 'service' | 'shedding' | 'files' | 'capacity' | 'fields' | 'embedded',
  report: string,
  file = 'benchmarks.md',
): void {
  const path = join(DOCS, file)
  const page = readFileSync(path, 'utf8')
  const [opening, closing] = [`<!-- ${part} -->`, `<!-- /${part} -->`]
  const [start, end] = [page.indexOf(opening), page.indexOf(closing)]
  if (start < 0 || end < start) throw new Error(`expected ${opening} … ${closing} in ${path}`)
  writeFileSync(path, `${page.slice(0, start)}${opening}\n\n${report}\n\n${page.slice(end)}`)
}

function describeMachine(rounds: number): string {
  const ask = 'import platform, lightgbm; print(platform.python_version(), lightgbm.__version__)'
  const [python, lightgbm] = spawnSync(PYTHON, ['-c', ask], { encoding: 'utf8' }).stdout.trim().split(' ')
  const cores = cpus()
  const machine = `${cores[0]?.model.trim()}, ${cores.length} cores, ${process.platform} ${process.arch}`
  return `Measured on ${machine}; Node ${process.versions.node}, Python ${python}, LightGBM ${lightgbm}; ${rounds} rounds.`
}

function renderTable(models: readonly ModelResults[], kind: Kind): string {
  const head = ['contender', ...models.flatMap(({ model }) => [model, 'ratio', 'lowest–highest', 'off'])]
  const names = new Set(
    models.flatMap(({ results }) =>
      results.filter(({ contender }) => contender.kind === kind).map(({ contender }) => contender.name),
    ),
  )
  const find = (model: ModelResults, name: string): Result =>
    model.results.find(({ contender }) => contender.kind === kind && contender.name === name)!
  const order = (name: string): number => median(models.map((model) => rank(find(model, name))))
  const body = [...names]
    .toSorted((a, b) => order(a) - order(b))
    .map((name) => [name, ...models.flatMap((model) => renderCells(find(model, name)))])
  return layOut(head, body)
}

/** Why a cell is empty, once for each reason. */
function renderFailures(models: readonly ModelResults[]): string[] {
  const lines = models.flatMap(({ model, results }) =>
    results
      .filter(({ contender }) => contender.failure !== undefined)
      .map(({ contender: { name, kind, failure } }) => `- ${name}, ${kind}, ${model}: ${failure}`),
  )
  return lines.length ? ['Not measured:', lines.join('\n')] : []
}

/** Failures last. */
function rank({ ratios }: Result): number {
  return ratios.length ? median(ratios) : Number.MAX_VALUE
}

function renderCells({ contender, nanoseconds, ratios }: Result): string[] {
  if (contender.failure !== undefined) return ['–', '–', '–', '–']
  const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
  return [
    `${(median(nanoseconds) / 1000).toFixed(2)} µs`,
    median(ratios).toFixed(3),
    range,
    renderOff(contender),
  ]
}

function renderOff({ difference = 0, differing = 0 }: Contender): string {
  if (difference === 0) return '0'
  const share = differing ? ` (${Number(((differing / ROWS) * 100).toPrecision(2))} %)` : ''
  return `${difference.toExponential(0)}${share}`
}

/** All columns but the first are numbers and stand right. */
export function layOut(head: readonly string[], body: readonly (readonly string[])[]): string {
  const widths = head.map((title, column) =>
    Math.max(3, title.length, ...body.map((cells) => cells[column]!.length)),
  )
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => (i ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`
  const rule = widths.map((width, i) => (i ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)))
  return [line(head), line(rule), ...body.map(line)].join('\n')
}
