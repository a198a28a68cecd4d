/**
 * A registered model → a row for each of its versions, with its aliases and the metrics of the run that it came from.
 */
import type { MlflowClient, ModelVersion } from '../mlflow/index.ts'
import { BUNDLE_VERSION_TAG } from './layout.ts'

export interface VersionRow {
  readonly version: string
  readonly aliases: readonly string[]
  /** Null: not a bundle of ours. */
  readonly bundleVersion: string | null
  readonly status: string
  readonly createdMs: number | null
  readonly runId: string | null
  /** By the run's names for them: `holdout_mae`. Empty if the run is gone. */
  readonly metrics: Readonly<Record<string, number>>
}

const QUESTIONS_AT_ONCE = 8

/**
 * The newest first.
 * @throws MlflowError RESOURCE_DOES_NOT_EXIST if there is no such model
 */
export async function listVersions(client: MlflowClient, name: string): Promise<VersionRow[]> {
  const { aliases } = await client.getRegisteredModel(name)
  const versions = await client.searchModelVersions(name)
  const rows: VersionRow[] = []
  for (let at = 0; at < versions.length; at += QUESTIONS_AT_ONCE)
    rows.push(
      ...(await Promise.all(
        versions.slice(at, at + QUESTIONS_AT_ONCE).map((version) => rowOf(client, version, aliases)),
      )),
    )
  return rows
}

async function rowOf(
  client: MlflowClient,
  { version, tags, status, createdMs, runId }: ModelVersion,
  aliases: ReadonlyMap<string, string>,
): Promise<VersionRow> {
  return {
    version,
    aliases: [...aliases].filter(([, of]) => of === version).map(([alias]) => alias),
    bundleVersion: tags.get(BUNDLE_VERSION_TAG) ?? null,
    status,
    createdMs,
    runId,
    metrics: runId === null ? {} : await metricsOf(client, runId),
  }
}

async function metricsOf(client: MlflowClient, runId: string): Promise<Record<string, number>> {
  try {
    const { metrics } = await client.getRun(runId)
    return Object.fromEntries([...metrics].map(([key, { value }]) => [key, value]))
  } catch (error) {
    if ((error as { code?: unknown }).code === 'RESOURCE_DOES_NOT_EXIST') return {}
    throw error
  }
}
