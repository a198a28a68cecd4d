/**
 * Runs: what a training was given (params), measured (metrics) and said about itself (tags).
 */
import { type Batch, BATCH_LIMITS, bodiesOf, checkKey, cut } from './batches.ts'
import { ENDPOINTS } from './endpoints.ts'
import { type Fields, pairsOf, type Texts } from './fields.ts'
import { pagesOf } from './pages.ts'
import type { Transport } from './transport.ts'

export type RunStatus = 'RUNNING' | 'SCHEDULED' | 'FINISHED' | 'FAILED' | 'KILLED'

export interface RunInfo {
  readonly runId: string
  readonly experimentId: string
  readonly runName: string
  readonly status: RunStatus | (string & {})
  /** Milliseconds since 1970. */
  readonly startTimeMs: number | null
  readonly endTimeMs: number | null
  /** `mlflow-artifacts:/…` where the server passes artifacts on. */
  readonly artifactUri: string
}

export interface Metric {
  readonly key: string
  /** Finite, or NaN. */
  readonly value: number
  readonly timestampMs: number
  readonly step: number
}

export interface Run extends RunInfo {
  /** By key: the last of each. */
  readonly metrics: ReadonlyMap<string, Metric>
  readonly params: ReadonlyMap<string, string>
  readonly tags: ReadonlyMap<string, string>
}

export interface RunSearch {
  readonly experimentIds: readonly string[]
  /** MLflow's filter language: `metrics.rmse < 1 and tags.kind = 'champion'`. */
  readonly filter?: string
  readonly orderBy?: readonly string[]
  /** 1000 if left out. */
  readonly maxResults?: number
  readonly signal?: AbortSignal
}

export interface RunCalls {
  /**
   * Never repeated by itself: it would make another one.
   * @throws MlflowError RESOURCE_DOES_NOT_EXIST if the experiment does not exist
   */
  createRun(options: {
    readonly experimentId: string
    readonly runName?: string
    /** Now if left out. */
    readonly startTimeMs?: number
    readonly tags?: Texts
  }): Promise<Run>

  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
  getRun(runId: string): Promise<Run>

  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
  updateRun(runId: string, change: { readonly status: RunStatus; readonly endTimeMs?: number }): Promise<void>

  /** All pages, up to `maxResults`; the newest first if not ordered. */
  searchRuns(search: RunSearch): Promise<Run[]>

  /**
   * Any number of items, in as many requests as it takes. Values that are too long are cut (BATCH_LIMITS). When one request fails,
   * those before it are kept. To do it again does no harm, but for a NaN: MLflow 2 refuses the same one a second time (BAD_REQUEST).
   * @throws MlflowError INVALID_PARAMETER_VALUE for a key that is too long, before anything is sent, and for a param that has
   * another value already
   */
  logBatch(runId: string, batch: Batch, signal?: AbortSignal): Promise<void>

  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE */
  setRunTag(runId: string, key: string, value: string): Promise<void>
}

/** A run with many metrics makes kilobytes of JSON: a page must stay far below the policy's limit. */
const RUNS_A_PAGE = 100

export function runCalls(transport: Transport): RunCalls {
  return {
    async createRun({ experimentId, runName, startTimeMs = Date.now(), tags }) {
      const answer = await transport.json(ENDPOINTS.createRun, {
        experiment_id: experimentId,
        run_name: runName,
        start_time: Math.trunc(startTimeMs),
        tags: pairsOf(tags),
      })
      return readRun(answer.object('run'))
    },

    async getRun(runId) {
      return readRun((await transport.json(ENDPOINTS.getRun, { run_id: runId })).object('run'))
    },

    async updateRun(runId, { status, endTimeMs }) {
      const end_time = endTimeMs === undefined ? undefined : Math.trunc(endTimeMs)
      await transport.json(ENDPOINTS.updateRun, { run_id: runId, status, end_time })
    },

    async searchRuns({ experimentIds, filter, orderBy, maxResults = 1000, signal }) {
      const runs: Run[] = []
      const parameters = { experiment_ids: experimentIds, filter, order_by: orderBy }
      const pages = pagesOf((page_token) => {
        const max_results = Math.min(RUNS_A_PAGE, maxResults - runs.length)
        return transport.json(ENDPOINTS.searchRuns, { ...parameters, max_results, page_token }, signal)
      })
      if (maxResults > 0)
        for await (const page of pages) {
          runs.push(...page.objects('runs').map(readRun))
          if (runs.length >= maxResults) break
        }
      return runs
    },

    async logBatch(runId, batch, signal) {
      for (const body of bodiesOf(runId, batch, Date.now()))
        await transport.json(ENDPOINTS.logBatch, { ...body }, signal)
    },

    async setRunTag(runId, key, value) {
      checkKey(key)
      const tag = { run_id: runId, key, value: cut(value, BATCH_LIMITS.tagLength) }
      await transport.json(ENDPOINTS.setRunTag, tag)
    },
  }
}

function readRun(run: Fields): Run {
  const info = run.object('info')
  const data = run.object('data')
  return {
    runId: info.text('run_id'),
    experimentId: info.text('experiment_id'),
    runName: info.textOrEmpty('run_name'),
    status: info.textOrEmpty('status'),
    startTimeMs: info.numberOrNull('start_time'),
    endTimeMs: info.numberOrNull('end_time'),
    artifactUri: info.textOrEmpty('artifact_uri'),
    metrics: new Map(data.objects('metrics').map((metric) => [metric.text('key'), readMetric(metric)])),
    params: data.pairs('params'),
    tags: data.pairs('tags'),
  }
}

const readMetric = (metric: Fields): Metric => ({
  key: metric.text('key'),
  // proto3 JSON may leave out a zero.
  value: metric.numberOrNull('value') ?? 0,
  timestampMs: metric.numberOrNull('timestamp') ?? 0,
  step: metric.numberOrNull('step') ?? 0,
})
