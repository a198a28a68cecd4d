/**
 * The shipped champion with more input fields: the same trees, and a column of the feature plan for each new field, so that what differs
 * is what fields cost.
 */
import { createHash } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { EXAMPLE } from '../example.ts'

const SHIPPED = 'artifacts/champion'
const FILES = ['features.json', 'golden.ndjson', 'inputs.json', 'model.json', 'profile.json']
/** Values that a text field's lookup knows. */
const TEXTS = 50

/** In turn: a table has many numbers, some texts, and few others. */
const MAKERS: readonly ((name: string) => { field: object; column: object; value: unknown })[] = [
  (name) => ({
    field: { kind: 'number', minimum: 0, nullable: false, roles: ['event'] },
    column: { op: 'number', field: name },
    value: 12,
  }),
  (name) => ({
    field: { kind: 'text' },
    column: {
      op: 'lookup',
      field: name,
      encoding: 'frequency',
      fold: 'ascii_lower',
      values: Object.fromEntries(Array.from({ length: TEXTS }, (_, i) => [`campaign ${i}`, i / TEXTS])),
      unknown: 0,
      missing: null,
    },
    value: 'Campaign 7',
  }),
  (name) => ({ field: { kind: 'number' }, column: { op: 'is_missing', field: name }, value: 0.25 }),
  (name) => ({ field: { kind: 'boolean' }, column: { op: 'number', field: name }, value: true }),
  (name) => ({
    field: { kind: 'time' },
    column: { op: 'time_part', field: name, part: 'hour' },
    value: '2026-11-23T23:45:22Z',
  }),
]

/** @returns a request */
export function widenBundle(folder: string, fieldCount: number): Readonly<Record<string, unknown>> {
  cpSync(SHIPPED, folder, { recursive: true })
  const read = (file: string) => readFileSync(join(folder, file), 'utf8')
  const write = (file: string, text: string) => writeFileSync(join(folder, file), text)
  const nine = JSON.parse(readFileSync('src/inputs/nine-fields.json', 'utf8'))
  const added = Array.from({ length: fieldCount - nine.fields.length }, (_, at) => {
    const name = `added field ${at}`
    return { name, ...MAKERS[at % MAKERS.length]!(name) }
  })
  const more = Object.fromEntries(added.map(({ name, value }) => [name, value]))
  const fields = [...nine.fields, ...added.map(({ name, field }) => ({ name, ...field }))]
  write('inputs.json', JSON.stringify({ ...nine, fields }))
  const plan = JSON.parse(read('features.json'))
  const columns = added.map(({ name, column }) => ({ name: `of ${name}`, ...column }))
  write(
    'features.json',
    JSON.stringify({ ...plan, format: 'day7-feature-plan/2', columns: [...plan.columns, ...columns] }),
  )
  const golden = read('golden.ndjson')
    .trim()
    .split('\n')
    // The first format took texts that a schema's do not have.
    .filter((line) => !line.includes('\\u0000'))
    .map((line) => JSON.parse(line))
    .map(({ install, raw_score, output, ...known }) =>
      JSON.stringify({
        ...known,
        install: { ...install, ...more },
        ensembles: [{ raw_score, output }],
        raw_score,
        output,
      }),
    )
  write('golden.ndjson', `${golden.join('\n')}\n`)
  const manifest = JSON.parse(read('manifest.json'))
  const { objective } = manifest
  write(
    'manifest.json',
    JSON.stringify({
      ...manifest,
      format: 'day7-bundle/3',
      version: `${fieldCount} fields`,
      prediction: {
        combine: 'single',
        ensembles: [{ role: 'revenue', file: 'model.json', objective, offset: true }],
        interval: null,
        calibration: null,
      },
      training: { ...manifest.training, negative: null },
      files: Object.fromEntries(
        FILES.map((file) => [file, createHash('sha256').update(read(file)).digest('hex')]),
      ),
    }),
  )
  return { ...EXAMPLE, ...more }
}
