/**
 * Aliases: names that point at one version of a model each, and model URIs, which name a version by number, by alias or as the latest.
 * To find what an alias points at takes one small request, so it can be asked for often.
 */
import { ENDPOINTS } from './endpoints.ts'
import { hasCode, MlflowError } from './errors.ts'
import { parseModelUri } from './model-uri.ts'
import { type ModelVersion, readVersion, type RegistryCalls } from './registry.ts'
import type { Transport } from './transport.ts'

export type AliasPoll =
  | { readonly changed: false }
  /** Without an ETag every answer is of this kind: compare `modelVersion` with what you have. */
  | { readonly changed: true; readonly modelVersion: ModelVersion | null; readonly etag: string | null }

export interface AliasCalls {
  /** One small request. @returns null if there is no such alias or no such model */
  getAlias(name: string, alias: string): Promise<ModelVersion | null>

  /** As `getAlias`, but where a proxy gives ETags an unchanged answer is not sent again. */
  pollAlias(name: string, alias: string, previous?: { readonly etag: string | null }): Promise<AliasPoll>

  /** Moves it if it is there. @throws MlflowError RESOURCE_DOES_NOT_EXIST if the version does not exist, INVALID_PARAMETER_VALUE */
  setAlias(name: string, alias: string, version: string): Promise<void>

  /** One that is not there is no error. @throws MlflowError RESOURCE_DOES_NOT_EXIST if the model does not exist */
  deleteAlias(name: string, alias: string): Promise<void>

  /**
   * `models:/name/version`, `models:/name@alias` or `models:/name/latest`: the highest version.
   * @throws MlflowError INVALID_MODEL_URI, RESOURCE_DOES_NOT_EXIST
   */
  resolveModel(uri: string): Promise<ModelVersion>
}

export function aliasCalls(transport: Transport, registry: RegistryCalls): AliasCalls {
  const calls: AliasCalls = {
    async getAlias(name, alias) {
      const poll = await calls.pollAlias(name, alias)
      return poll.changed ? poll.modelVersion : null
    },

    async pollAlias(name, alias, previous) {
      const etag = previous?.etag ?? null
      const headers = etag === null ? {} : { 'if-none-match': etag }
      const call = { endpoint: ENDPOINTS.getAlias, parameters: { name, alias }, headers }
      try {
        return await transport.run(call, async (answer): Promise<AliasPoll> => {
          if (answer.status === 304) {
            await answer.discard()
            return { changed: false }
          }
          const fields = await answer.json(transport.policy.maxResponseBytes)
          const modelVersion = readVersion(fields.object('model_version'))
          return { changed: true, modelVersion, etag: answer.header('etag') }
        })
      } catch (error) {
        if (isNoSuchAlias(error)) return { changed: true, modelVersion: null, etag: null }
        throw error
      }
    },

    async setAlias(name, alias, version) {
      await transport.json(ENDPOINTS.setAlias, { name, alias, version })
    },

    async deleteAlias(name, alias) {
      await transport.json(ENDPOINTS.deleteAlias, { name, alias })
    },

    async resolveModel(uri) {
      const model = parseModelUri(uri)
      if (model.kind === 'version') return registry.getModelVersion(model.name, model.version)
      const found =
        model.kind === 'alias'
          ? await calls.getAlias(model.name, model.alias)
          : await registry.getLatestModelVersion(model.name)
      if (found) return found
      throw MlflowError.of('RESOURCE_DOES_NOT_EXIST', `expected ${uri} to name a model version, got none`)
    },
  }
  return calls
}

/** There is no code for an alias that does not exist: MLflow 2 and 3 answer 400 with the one for a bad parameter. */
const isNoSuchAlias = (error: unknown): boolean =>
  hasCode(error, 'RESOURCE_DOES_NOT_EXIST') ||
  (hasCode(error, 'INVALID_PARAMETER_VALUE') &&
    /INVALID_PARAMETER_VALUE: Registered model alias .* not found/is.test(error.message))
