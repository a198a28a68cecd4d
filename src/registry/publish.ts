/**
 * A bundle's folder → a run in MLflow with its parameters, metrics and files, and a registered version of it. The files are read back
 * and hashed before anything is registered; a fault ends the run as FAILED and registers nothing.
 */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BundleError, loadBundle, type Manifest } from '../bundle/index.ts'
import type { MetricEntry, MlflowClient, ModelVersion, Run } from '../mlflow/index.ts'
import { BUNDLE_FOLDER, BUNDLE_VERSION_TAG, EXPERIMENT, hashTag, MANIFEST } from './layout.ts'
import { MLMODEL, mlmodelOf } from './mlmodel.ts'

export interface PublishOptions {
  /** Of the registered model. */
  readonly name: string
  /** That is to point at the new version; null: none. */
  readonly alias: string | null
  readonly signal?: AbortSignal
}

export interface Publication {
  readonly runId: string
  readonly version: string
  readonly manifest: Manifest
}

/** Of a run's artifacts. */
const MODEL_FOLDER = 'model'
/** mlflow/utils/validation.py, _validate_model_alias_name. */
const RESERVED_ALIAS = /^(latest|v\d+)$/i

/** @throws BundleError if the bundle may not be served, MlflowError; an Error that says so if only the alias could not be set */
export async function publishBundle(
  client: MlflowClient,
  folder: string,
  { name, alias, signal }: PublishOptions,
): Promise<Publication> {
  if (alias !== null && RESERVED_ALIAS.test(alias))
    throw new Error(`expected an alias that MLflow takes, got "${alias}": "latest" and "v1" name versions`)
  const { manifest } = await loadBundle(folder)
  const files = await readFiles(folder, manifest)
  const hashes = new Map([...files].map(([file, bytes]) => [file, sha256(bytes)]))
  const tags = {
    [BUNDLE_VERSION_TAG]: manifest.version,
    ...Object.fromEntries([...hashes].map(([file, hash]) => [hashTag(file), hash])),
  }
  const experimentId = await client.getOrCreateExperiment(EXPERIMENT)
  const runName = `${manifest.name} ${manifest.version}`
  const run = await client.createRun({ experimentId, runName, tags })
  let version: ModelVersion
  try {
    await client.logBatch(run.runId, { params: paramsOf(manifest), metrics: metricsOf(manifest) }, signal)
    await upload(client, run, manifest, files, signal)
    await checkUploaded(client, run, hashes, signal)
    await client.createRegisteredModel(name)
    const source = `${run.artifactUri}/${MODEL_FOLDER}`
    const made = { name, source, runId: run.runId, tags, ...(signal && { signal }) }
    version = await client.createModelVersion(made)
  } catch (error) {
    // What went wrong first is what the user must know.
    await client.updateRun(run.runId, { status: 'FAILED', endTimeMs: Date.now() }).catch(() => {})
    throw error
  }
  try {
    await client.updateRun(run.runId, { status: 'FINISHED', endTimeMs: Date.now() })
    if (alias !== null) await client.setAlias(name, alias, version.version)
  } catch (cause) {
    const what = `${name} version ${version.version} of run ${run.runId} is registered`
    const missing = alias === null ? 'its run is not ended' : `it may not be ${alias} yet`
    throw new Error(`${what}, but ${missing}: ${(cause as Error).message}`, { cause })
  }
  return { runId: run.runId, version: version.version, manifest }
}

/** As they were verified: a folder may change meanwhile. */
async function readFiles(folder: string, manifest: Manifest): Promise<Map<string, Buffer>> {
  const files = new Map([[MANIFEST, await readFile(join(folder, MANIFEST))]])
  for (const [file, expected] of manifest.files) {
    const bytes = await readFile(join(folder, file))
    if (sha256(bytes) !== expected) throw new BundleError(folder, file, 'it changed while it was published')
    files.set(file, bytes)
  }
  return files
}

async function upload(
  client: MlflowClient,
  run: Run,
  manifest: Manifest,
  files: ReadonlyMap<string, Buffer>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const send = (path: string, bytes: Buffer): Promise<void> =>
    client.uploadArtifact(run, `${MODEL_FOLDER}/${path}`, bytes, bytes.length, signal)
  for (const [file, bytes] of files) await send(`${BUNDLE_FOLDER}/${file}`, bytes)
  await send(MLMODEL, Buffer.from(mlmodelOf(manifest, run.runId, new Date())))
}

async function checkUploaded(
  client: MlflowClient,
  run: Run,
  hashes: ReadonlyMap<string, string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const options = { maxBytes: Infinity, ...(signal && { signal }) }
  for (const [file, expected] of hashes) {
    const path = `${MODEL_FOLDER}/${BUNDLE_FOLDER}/${file}`
    const { body } = await client.downloadRunArtifact(run.runId, path, options)
    const digest = createHash('sha256')
    for await (const chunk of body) digest.update(chunk as Buffer)
    const actual = digest.digest('hex')
    if (actual !== expected)
      throw new Error(`${file} as uploaded to run ${run.runId}: expected sha256 ${expected}, got ${actual}`)
  }
}

function paramsOf({ parameters, training, objective }: Manifest): Record<string, string> {
  const about = { objective, rows: training.rows, data_sha256: training.dataSha256 }
  const all = { ...parameters, ...about, dropped_flagged: training.flaggedDropped }
  return Object.fromEntries(
    Object.entries(all).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  )
}

/** `metrics.holdout.normalisedGini` → `holdout_normalised_gini`. */
function metricsOf({ metrics }: Manifest): MetricEntry[] {
  return Object.entries(metrics).flatMap(([part, values]) =>
    Object.entries(Object(values) as Record<string, unknown>).flatMap(([metric, value]) =>
      typeof value === 'number' ? [{ key: `${snakeCase(part)}_${snakeCase(metric)}`, value }] : [],
    ),
  )
}

const snakeCase = (name: string): string => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
