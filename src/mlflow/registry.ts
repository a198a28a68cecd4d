/**
 * The model registry: models with a name, and their numbered versions. What points at a version by name is in aliases.ts.
 */
import { setTimeout as delay } from 'node:timers/promises'
import { ENDPOINTS } from './endpoints.ts'
import { hasCode, MlflowError } from './errors.ts'
import { type Fields, pairsOf, type Texts } from './fields.ts'
import { pagesOf } from './pages.ts'
import type { Transport } from './transport.ts'

export interface RegisteredModel {
  readonly name: string
  readonly description: string
  readonly tags: ReadonlyMap<string, string>
  /** Alias → version. */
  readonly aliases: ReadonlyMap<string, string>
  /** Milliseconds since 1970. */
  readonly createdMs: number | null
  readonly updatedMs: number | null
}

export interface ModelVersion {
  readonly name: string
  /** A number as text. */
  readonly version: string
  /** Where its files are. */
  readonly source: string
  readonly runId: string | null
  /** READY, PENDING_REGISTRATION or FAILED_REGISTRATION. */
  readonly status: string
  readonly description: string
  readonly tags: ReadonlyMap<string, string>
  /** Milliseconds since 1970. */
  readonly createdMs: number | null
  readonly updatedMs: number | null
  /** Empty in the answer of a search, whatever is true. */
  readonly aliases: readonly string[]
}

export interface RegistryCalls {
  /** One that is there already is left as it is. @throws MlflowError INVALID_PARAMETER_VALUE for a name with "/" or ":" */
  createRegisteredModel(
    name: string,
    options?: { readonly description?: string; readonly tags?: Texts },
  ): Promise<void>

  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
  getRegisteredModel(name: string): Promise<RegisteredModel>

  /**
   * Waits until it is ready. Never repeated by itself: it would make another one.
   * @param options `source` a folder of artifacts; MLflow does not look whether anything is there. From 3.17 on it must belong to `runId`.
   * @throws MlflowError RESOURCE_DOES_NOT_EXIST if the model does not exist, INVALID_PARAMETER_VALUE for a source that the server does
   * not allow, MLFLOW_REGISTRATION_FAILED, MLFLOW_TIMEOUT if it is not ready within the policy's `totalTimeoutMs`
   */
  createModelVersion(options: {
    readonly name: string
    readonly source: string
    readonly runId?: string
    readonly tags?: Texts
    readonly description?: string
    readonly signal?: AbortSignal
  }): Promise<ModelVersion>

  /** @throws MlflowError RESOURCE_DOES_NOT_EXIST */
  getModelVersion(name: string, version: string): Promise<ModelVersion>

  /** All of a model, the newest first; none if there is no such model. Without their aliases. */
  searchModelVersions(name: string): Promise<ModelVersion[]>

  /** The highest version. @returns null if there is none, or no such model */
  getLatestModelVersion(name: string): Promise<ModelVersion | null>

  /**
   * MLflow 2 takes values of at most 5,000 characters, MLflow 3 of 100,000.
   * @throws MlflowError RESOURCE_DOES_NOT_EXIST, INVALID_PARAMETER_VALUE
   */
  setModelVersionTag(name: string, version: string, key: string, value: string): Promise<void>
}

const READY_POLL_MS = { first: 100, greatest: 2_000 }
const VERSIONS_A_PAGE = 200

export function registryCalls(transport: Transport): RegistryCalls {
  const calls: RegistryCalls = {
    async createRegisteredModel(name, { description, tags } = {}) {
      const model = { name, description, tags: pairsOf(tags) }
      await transport.json(ENDPOINTS.createRegisteredModel, model).catch((error: unknown) => {
        if (!hasCode(error, 'RESOURCE_ALREADY_EXISTS')) throw error
      })
    },

    async getRegisteredModel(name) {
      const answer = await transport.json(ENDPOINTS.getRegisteredModel, { name })
      return readModel(answer.object('registered_model'))
    },

    async createModelVersion({ name, source, runId, tags, description, signal }) {
      const parameters = { name, source, run_id: runId, tags: pairsOf(tags), description }
      const answer = await transport.json(ENDPOINTS.createModelVersion, parameters, signal)
      return untilReady(readVersion(answer.object('model_version')), signal)
    },

    async getModelVersion(name, version) {
      const answer = await transport.json(ENDPOINTS.getModelVersion, { name, version })
      return readVersion(answer.object('model_version'))
    },

    async searchModelVersions(name) {
      const versions: ModelVersion[] = []
      const pages = pagesOf((page_token) => versionsPage(name, VERSIONS_A_PAGE, page_token))
      for await (const page of pages) versions.push(...page.objects('model_versions').map(readVersion))
      return versions
    },

    async getLatestModelVersion(name) {
      const [latest] = (await versionsPage(name, 1)).objects('model_versions')
      return latest ? readVersion(latest) : null
    },

    async setModelVersionTag(name, version, key, value) {
      await transport.json(ENDPOINTS.setModelVersionTag, { name, version, key, value })
    },
  }
  return calls

  function versionsPage(name: string, max_results: number, page_token?: string): Promise<Fields> {
    const order_by = ['version_number DESC']
    const parameters = { filter: `name=${quoted(name)}`, order_by, max_results, page_token }
    return transport.json(ENDPOINTS.searchModelVersions, parameters)
  }

  async function untilReady(version: ModelVersion, signal?: AbortSignal): Promise<ModelVersion> {
    const deadlineMs = performance.now() + transport.policy.totalTimeoutMs
    let pauseMs = READY_POLL_MS.first
    for (let latest = version; ; pauseMs = Math.min(2 * pauseMs, READY_POLL_MS.greatest)) {
      if (latest.status === 'READY') return latest
      const what = `expected version ${latest.version} of "${latest.name}" to become READY, got ${latest.status}`
      if (latest.status === 'FAILED_REGISTRATION') throw MlflowError.of('MLFLOW_REGISTRATION_FAILED', what)
      if (performance.now() + pauseMs > deadlineMs) throw MlflowError.of('MLFLOW_TIMEOUT', what)
      await delay(pauseMs, undefined, signal && { signal }).catch(() => {})
      signal?.throwIfAborted()
      latest = await calls.getModelVersion(latest.name, latest.version)
    }
  }
}

/** MLflow's filters know no escape: a name with both kinds of quotes cannot be searched for. */
function quoted(name: string): string {
  if (!name.includes("'")) return `'${name}'`
  if (!name.includes('"')) return `"${name}"`
  throw MlflowError.of(
    'INVALID_PARAMETER_VALUE',
    `expected a model name without both ' and " to search for its versions, got ${JSON.stringify(name)}`,
  )
}

const readModel = (model: Fields): RegisteredModel => ({
  name: model.text('name'),
  description: model.textOrEmpty('description'),
  tags: model.pairs('tags'),
  aliases: new Map(model.objects('aliases').map((each) => [each.text('alias'), each.text('version')])),
  createdMs: model.numberOrNull('creation_timestamp'),
  updatedMs: model.numberOrNull('last_updated_timestamp'),
})

export const readVersion = (version: Fields): ModelVersion => ({
  name: version.text('name'),
  version: version.text('version'),
  source: version.textOrEmpty('source'),
  runId: version.textOrNull('run_id'),
  status: version.textOrNull('status') ?? 'READY', // proto3 JSON may leave out the default
  description: version.textOrEmpty('description'),
  tags: version.pairs('tags'),
  createdMs: version.numberOrNull('creation_timestamp'),
  updatedMs: version.numberOrNull('last_updated_timestamp'),
  aliases: version.texts('aliases'),
})
