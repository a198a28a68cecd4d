/**
 * What loading a model costs: a fresh process each, in which nothing is compiled yet → a Markdown table of milliseconds and of
 * compiled bytes a node.
 *
 *   node test/bench/load.ts FOLDER dump|text      prints one measurement as JSON
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseModel } from '../../src/ensemble/index.ts'
import { readText } from '../../src/ensemble/text.ts'
import { pack } from '../../src/ensemble/packed.ts'

const ROUNDS = 5
const FILES = { dump: 'dump.json', text: 'model.txt' } as const

interface Load {
  readonly jsonMs: number
  readonly modelMs: number
}

export function loadReport(models: readonly { readonly name: string; readonly folder: string }[]): string {
  const rows = models.flatMap(({ name, folder }) =>
    (['dump', 'text'] as const).map((form) => {
      const loads = Array.from({ length: ROUNDS }, () => {
        const { stdout } = spawnSync(process.execPath, [import.meta.filename, folder, form], {
          encoding: 'utf8',
        })
        return JSON.parse(stdout) as Load
      })
      const megabytes = statSync(join(folder, FILES[form])).size / 1e6
      const json = form === 'dump' ? `${median(loads.map((load) => load.jsonMs)).toFixed(0)} ms` : '–'
      const model = `${median(loads.map((load) => load.modelMs)).toFixed(0)} ms`
      const bytes = bytesPerNode(readFileSync(join(folder, FILES.text), 'utf8')).toFixed(1)
      return `| ${name} | ${FILES[form]} | ${megabytes.toFixed(1)} MB | ${json} | ${model} | ${bytes} |`
    }),
  )
  return [
    '### Loading',
    '',
    `Median of ${ROUNDS} fresh processes. Bytes are what an evaluation reads, thresholds and slots included, for each split and leaf.`,
    '',
    '| model | file | size | JSON.parse | parseModel | bytes a node |',
    '| --- | --- | --: | --: | --: | --: |',
    ...rows,
    '',
  ].join('\n')
}

function bytesPerNode(text: string): number {
  const packed = pack(readText(text).trees)!
  const thresholds = packed.rankings.reduce((sum, ranking) => sum + ranking.thresholds.byteLength, 0)
  const bytes = packed.words.byteLength + packed.values.byteLength + packed.slotCount * 8 + thresholds
  return bytes / packed.words.length
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!

if (import.meta.main) {
  const [folder, form] = process.argv.slice(2) as [string, keyof typeof FILES]
  const text = readFileSync(join(folder, FILES[form]), 'utf8')
  const start = performance.now()
  const source: unknown = form === 'dump' ? JSON.parse(text) : text
  const parsed = performance.now()
  parseModel(source)
  console.log(JSON.stringify({ jsonMs: parsed - start, modelMs: performance.now() - parsed } satisfies Load))
}
