/**
 * Bundles that are made from the shipped one: the same trees with other leaves, so that their answers differ, and golden predictions
 * that fit. For tests of what happens around a model; those of what it computes use Python's.
 */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileModel, Ensemble } from '../src/ensemble/index.ts'
import { parseFeaturePlan } from '../src/features/index.ts'
import { NINE_FIELDS } from '../src/inputs/index.ts'
import { rowOf } from './example.ts'

const SHIPPED = 'artifacts/champion'

/** @param factor every leaf is multiplied by it */
export function deriveBundle(folder: string, version: string, factor: number): void {
  cpSync(SHIPPED, folder, { recursive: true })
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text)

  const model = JSON.parse(read('model.json'))
  for (const { tree_structure: root } of model.tree_info) scaleLeaves(root, factor)
  write('model.json', JSON.stringify(model))

  const ensemble = new Ensemble(compileModel(model))
  const plan = parseFeaturePlan(JSON.parse(read('features.json')), NINE_FIELDS)
  const row = new Float64Array(plan.features.length)
  const golden = read('golden.ndjson')
    .trim()
    .split('\n')
    .map((line) => {
      const known = JSON.parse(line)
      const offset = plan.encode(rowOf(known.install), row)
      const raw_score = (ensemble.predictRaw(row) as number) + offset
      return JSON.stringify({ ...known, raw_score, output: ensemble.outputOf(raw_score) })
    })
  write('golden.ndjson', `${golden.join('\n')}\n`)

  const manifest = JSON.parse(read('manifest.json'))
  manifest.version = version
  for (const file of Object.keys(manifest.files))
    manifest.files[file] = createHash('sha256').update(read(file)).digest('hex')
  write('manifest.json', JSON.stringify(manifest))
}

function scaleLeaves(node: any, factor: number): void {
  if ('leaf_value' in node) node.leaf_value *= factor
  else for (const child of [node.left_child, node.right_child]) scaleLeaves(child, factor)
}
