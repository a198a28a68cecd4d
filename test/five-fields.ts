/**
 * A small bundle of format 3, made by hand: five fields of all four kinds, with names that are hard on whoever puts them into a text, and a
 * calibration by group. For tests of what follows the input schema; those of what Python writes use Python's.
 */
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { partsOf } from '../src/bundle/parts.ts'
import { readManifest } from '../src/bundle/manifest.ts'
import { compileModel, Ensemble } from '../src/ensemble/index.ts'
import { parseFeaturePlan } from '../src/features/index.ts'
import { Fault, parseInputSchema, rowFromObject } from '../src/inputs/index.ts'
import { dumpOf, type DumpNode } from './ensemble/dumps.ts'

export const FIVE_FIELDS = {
  format: 'day7-inputs/1',
  fields: [
    {
      name: 'Country Code',
      column: 'country_code',
      kind: 'text',
      trim: true,
      missing: ['N/A'],
      roles: ['facet', 'group'],
      description: 'Where the player is.',
      example: 'pe',
    },
    {
      name: '💰 spend',
      kind: 'number',
      nullable: false,
      minimum: 0,
      maximum: 1e6,
      roles: ['amount'],
      example: 2.5,
    },
    { name: 'is "new", or not', kind: 'boolean', roles: ['facet'] },
    {
      name: 'installed at',
      kind: 'time',
      format: 'day_first',
      roles: ['install_time'],
      example: '31/12/2026 23:30',
    },
    { name: 'sessions', kind: 'number', required: false, minimum: 0, roles: ['event'] },
  ],
  userId: { column: 'player' },
  target: { name: 'LTV 14', column: 'ltv_14', horizonDays: 14, unit: 'EUR' },
}

/** As a request has it. */
export const PLAYER = {
  'Country Code': 'PE',
  '💰 spend': 2.5,
  'is "new", or not': true,
  'installed at': '31/12/2026 23:30',
  sessions: 12,
}

export const PLAN = {
  format: 'day7-feature-plan/2',
  columns: [
    { name: 'spend', op: 'number', field: '💰 spend' },
    {
      name: 'country_frequency',
      op: 'lookup',
      field: 'Country Code',
      encoding: 'frequency',
      fold: 'ascii_lower',
      values: { pe: 0.4, de: 0.1, 'são tomé': 0.01 },
      unknown: 0,
      missing: null,
    },
    { name: 'is_new', op: 'number', field: 'is "new", or not' },
    { name: 'hour', op: 'time_part', field: 'installed at', part: 'hour' },
    { name: 'weekday', op: 'time_part', field: 'installed at', part: 'weekday' },
    { name: 'sessions', op: 'number', field: 'sessions' },
    { name: 'some_sessions', op: 'clip', argument: 'sessions', minimum: 0, maximum: 10 },
    { name: 'beyond', op: 'difference', minuend: 'sessions', subtrahend: 'some_sessions' },
    { name: 'tenths', op: 'linear', argument: 'spend', factor: 0.1, plus: 1 },
    { name: 'log_tenths', op: 'log', argument: 'tenths', plus: 0 },
  ],
  features: ['spend', 'country_frequency', 'is_new', 'hour', 'weekday', 'some_sessions', 'beyond'],
  offset: 'log_tenths',
}

export const CALIBRATION = {
  intercept: 0.3125,
  slope: 0.9375,
  field: 'Country Code',
  fold: 'ascii_lower',
  groups: { de: { intercept: -0.01, slope: 1.1 } },
}

const leaf = (leaf_value: number, leaf_count: number): DumpNode => ({
  leaf_value,
  leaf_count,
  leaf_weight: leaf_count,
})
const split = (feature: string, threshold: number, left_child: DumpNode, right_child: DumpNode): DumpNode => {
  const countOf = (node: DumpNode) => Number(node['leaf_count'] ?? node['internal_count'])
  return {
    split_index: 0,
    split_feature: PLAN.features.indexOf(feature),
    split_gain: 1,
    threshold,
    decision_type: '<=',
    default_left: true,
    missing_type: 'NaN',
    internal_count: countOf(left_child) + countOf(right_child),
    left_child,
    right_child,
  }
}

/** Every feature decides something. */
const TREES = [
  split(
    'spend',
    1,
    split('hour', 12, leaf(-1.5, 30), leaf(-1.25, 10)),
    split('country_frequency', 0.2, leaf(0.125, 20), leaf(0.75, 40)),
  ),
  split(
    'is_new',
    0.5,
    split('weekday', 3, leaf(-0.25, 25), leaf(-0.375, 25)),
    split('some_sessions', 5, leaf(0.1, 25), leaf(0.3, 25)),
  ),
  split('beyond', 1, leaf(0, 90), leaf(0.0625, 10)),
]

const INSTALLS = [
  PLAYER,
  { ...PLAYER, 'Country Code': 'DE', sessions: null },
  { ...PLAYER, 'Country Code': null, '💰 spend': 0, 'is "new", or not': false },
  { ...PLAYER, 'Country Code': 'SãO Tomé', 'installed at': '2026-03-01T05:06:07Z', sessions: 3 },
  { ...PLAYER, 'is "new", or not': null, 'installed at': null, '💰 spend': 1e6 },
]

export interface FiveFieldsOptions {
  readonly version?: string
  readonly inputs?: object
  readonly plan?: object
  readonly calibration?: object | null
  /** What the installs of the golden predictions have beside the five fields. */
  readonly more?: object
}

/** @returns the folder */
export function writeFiveFields(folder: string, options: FiveFieldsOptions = {}): string {
  const { version = '5', inputs = FIVE_FIELDS, plan = PLAN, calibration = CALIBRATION, more = {} } = options
  const model = dumpOf(TREES, {
    objective: 'tweedie',
    feature_names: PLAN.features,
    max_feature_idx: PLAN.features.length - 1,
  })
  const files: Record<string, string> = {
    'inputs.json': JSON.stringify(inputs),
    'features.json': JSON.stringify(plan),
    'model.json': JSON.stringify(model),
    'profile.json': JSON.stringify({
      format: 'day7-profile/1',
      rows: 100,
      features: Object.fromEntries(PLAN.features.map((name) => [name, HISTOGRAM])),
      predictions: HISTOGRAM,
      fields: RANGES,
    }),
  }
  const manifest = {
    format: 'day7-bundle/3',
    name: 'five-fields',
    version,
    created: '2026-11-30T00:00:00Z',
    objective: 'tweedie',
    features: PLAN.features,
    categorical: [],
    offset: PLAN.offset,
    prediction: {
      combine: 'single',
      ensembles: [{ role: 'revenue', file: 'model.json', objective: 'tweedie', offset: true }],
      interval: null,
      calibration,
    },
    horizonDays: FIVE_FIELDS.target.horizonDays,
    training: {
      dataSha256: 'none',
      rows: 100,
      description: 'made by hand',
      synthetic: true,
      flagged: [],
      flaggedDropped: false,
      negative: { rows: 1, treatment: 'clip' },
    },
    metrics: {},
    parameters: {},
    lightgbmVersion: '4.7.0',
    files: {},
  }
  const hash = (text: string) => createHash('sha256').update(text).digest('hex')
  const hashes = () => Object.fromEntries(Object.entries(files).map(([file, text]) => [file, hash(text)]))
  files['golden.ndjson'] = ''
  files['golden.ndjson'] = goldenOf({ ...manifest, files: hashes() }, inputs, plan, model, more)
  mkdirSync(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify({ ...manifest, files: hashes() }))
  return folder
}

/** What training saw. */
const RANGES = {
  '💰 spend': { minimum: 0, maximum: 500 },
  'installed at': { minimum: Date.UTC(2026, 0, 1), maximum: Date.UTC(2026, 11, 31) },
  sessions: { minimum: 0, maximum: 40 },
}
const HISTOGRAM = { edges: [0, 1], counts: [40, 30, 30], missing: 0 }

/** What the evaluator itself computes; empty where the plan and the inputs do not fit. */
function goldenOf(manifest: object, inputs: object, plan: object, model: object, more: object): string {
  try {
    const schema = parseInputSchema(inputs)
    const compiled = parseFeaturePlan(plan, schema)
    const ensemble = new Ensemble(compileModel(model))
    const { ensembles, pairOf } = partsOf(readManifest(manifest), schema, () => ensemble)
    const features = new Float64Array(compiled.features.length)
    const lines = INSTALLS.map((known) => {
      const install = { ...known, ...more }
      const row = rowFromObject(schema, install, { text: 'strict' })
      if (row instanceof Fault) throw new TypeError(row.message)
      const offset = compiled.encode(row, features)
      const raw_score = ensembles[0]!.rawScore(features, offset, pairOf && pairOf(row))
      const score = { raw_score, output: ensemble.outputOf(raw_score) }
      const shown = Array.from(features, (value) => (Number.isNaN(value) ? null : value))
      return JSON.stringify({ install, features: shown, ensembles: [score], ...score })
    })
    return `${lines.join('\n')}\n`
  } catch {
    return '{}\n'
  }
}
