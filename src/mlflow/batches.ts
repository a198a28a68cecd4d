/**
 * Any number of metrics, params and tags → bodies of `runs/log-batch` within the server's limits, each item once and in order: params,
 * tags, metrics. Cuts values that are too long for the server; refuses keys that are. A metric that is no finite number is sent as
 * proto3 JSON has it, "NaN" or "Infinity": MLflow keeps NaN, and makes the greatest double of infinity.
 */
import { MlflowError } from './errors.ts'
import { entriesOf, type Texts } from './fields.ts'

export interface MetricEntry {
  readonly key: string
  readonly value: number
  /** Milliseconds since 1970; now if left out. */
  readonly timestampMs?: number
  /** 0 if left out. */
  readonly step?: number
}

export interface Batch {
  readonly metrics?: readonly MetricEntry[]
  readonly params?: Texts
  readonly tags?: Texts
}

/**
 * mlflow/utils/validation.py, of 2.22 and of 3.17. Lengths in characters, `bytes` of the JSON body. The server takes 1000 metrics and
 * 1000 items in all, but a batch of more than 100 metrics that is sent again is an error to MLflow 2 (sqlalchemy_store.py,
 * _log_metrics): it looks for those that it has 100 by 100, and adds all the others each time.
 */
export const BATCH_LIMITS = Object.freeze({
  metrics: 100,
  params: 100,
  tags: 100,
  bytes: 1_000_000,
  keyLength: 250,
  paramLength: 6000,
  tagLength: 8000,
})

type Kind = 'metrics' | 'params' | 'tags'
type Item = { readonly key: string }
export interface BatchBody extends Record<Kind, Item[]> {
  run_id: string
}

/** @throws MlflowError INVALID_PARAMETER_VALUE for a key that is too long or empty */
export function bodiesOf(runId: string, batch: Batch, nowMs: number): BatchBody[] {
  const bodies: BatchBody[] = []
  const emptyBytes = bytesOf(emptyBody(runId))
  let bytes = Infinity
  let body = emptyBody(runId)
  for (const [kind, item] of itemsOf(batch, nowMs)) {
    const itemBytes = bytesOf(item) + 1 // and a comma
    if (bytes + itemBytes > BATCH_LIMITS.bytes || body[kind].length >= BATCH_LIMITS[kind]) {
      bodies.push((body = emptyBody(runId)))
      bytes = emptyBytes
    }
    body[kind].push(item)
    bytes += itemBytes
  }
  return bodies
}

/** Not longer than `length`, and not cut within a character. */
export function cut(text: string, length: number): string {
  const part = text.toWellFormed().slice(0, length)
  return part.isWellFormed() ? part : part.slice(0, -1)
}

/** @throws MlflowError INVALID_PARAMETER_VALUE */
export function checkKey(key: string): void {
  if (key === '' || key.length > BATCH_LIMITS.keyLength)
    throw MlflowError.of(
      'INVALID_PARAMETER_VALUE',
      `expected a key of 1 to ${BATCH_LIMITS.keyLength} characters, got ${key.length}: "${cut(key, 50)}…"`,
    )
}

function itemsOf({ params, tags, metrics = [] }: Batch, nowMs: number): [Kind, Item][] {
  const texts = (kind: Kind, texts: Texts | undefined, length: number): [Kind, Item][] =>
    entriesOf(texts).map(([key, value]) => [kind, { key, value: cut(value, length) }])
  const items: [Kind, Item][] = [
    ...texts('params', params, BATCH_LIMITS.paramLength),
    ...texts('tags', tags, BATCH_LIMITS.tagLength),
    ...metrics.map((metric): [Kind, Item] => ['metrics', metricItem(metric, nowMs)]),
  ]
  for (const [, { key }] of items) checkKey(key)
  return items
}

interface MetricItem extends Item {
  readonly value: number | string
  readonly timestamp: number
  readonly step: number
}

const metricItem = ({ key, value, timestampMs, step }: MetricEntry, nowMs: number): MetricItem => ({
  key,
  value: Number.isFinite(value) ? value : String(value),
  timestamp: Math.trunc(timestampMs ?? nowMs),
  step: step ?? 0,
})

const emptyBody = (runId: string): BatchBody => ({ run_id: runId, metrics: [], params: [], tags: [] })

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value))
