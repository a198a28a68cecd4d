/**
 * Experiments: folders of runs, with a name.
 */
import { ENDPOINTS } from './endpoints.ts'
import { hasCode, MlflowError } from './errors.ts'
import { type Fields, pairsOf, type Texts } from './fields.ts'
import type { Transport } from './transport.ts'

export interface Experiment {
  readonly experimentId: string
  readonly name: string
  readonly artifactLocation: string
  /** `deleted` ones keep their name and take no runs. */
  readonly lifecycleStage: string
  readonly tags: ReadonlyMap<string, string>
}

export interface ExperimentCalls {
  /** @returns null if there is none of that name. A deleted one is found. */
  getExperimentByName(name: string): Promise<Experiment | null>

  /**
   * @returns its id
   * @throws MlflowError RESOURCE_ALREADY_EXISTS
   */
  createExperiment(
    name: string,
    options?: { readonly artifactLocation?: string; readonly tags?: Texts },
  ): Promise<string>

  /**
   * Many may do it at once.
   * @returns its id
   * @throws MlflowError INVALID_STATE if the one of that name is deleted
   */
  getOrCreateExperiment(name: string): Promise<string>
}

export function experimentCalls(transport: Transport): ExperimentCalls {
  const calls: ExperimentCalls = {
    async getExperimentByName(name) {
      try {
        const answer = await transport.json(ENDPOINTS.getExperimentByName, { experiment_name: name })
        return readExperiment(answer.object('experiment'))
      } catch (error) {
        if (hasCode(error, 'RESOURCE_DOES_NOT_EXIST')) return null
        throw error
      }
    },

    async createExperiment(name, { artifactLocation, tags } = {}) {
      const answer = await transport.json(ENDPOINTS.createExperiment, {
        name,
        artifact_location: artifactLocation,
        tags: pairsOf(tags),
      })
      return answer.text('experiment_id')
    },

    async getOrCreateExperiment(name) {
      const found = await calls.getExperimentByName(name)
      if (found) return idOfActive(found)
      try {
        return await calls.createExperiment(name)
      } catch (error) {
        if (!hasCode(error, 'RESOURCE_ALREADY_EXISTS')) throw error
        const made = await calls.getExperimentByName(name)
        if (!made) throw error
        return idOfActive(made)
      }
    },
  }
  return calls
}

function idOfActive({ name, experimentId, lifecycleStage }: Experiment): string {
  if (lifecycleStage !== 'deleted') return experimentId
  throw MlflowError.of(
    'INVALID_STATE',
    `expected the experiment "${name}" to be active, got a deleted one: restore it (mlflow experiments restore -x ${experimentId}) or choose another name`,
  )
}

const readExperiment = (experiment: Fields): Experiment => ({
  experimentId: experiment.text('experiment_id'),
  name: experiment.text('name'),
  artifactLocation: experiment.textOrEmpty('artifact_location'),
  lifecycleStage: experiment.textOrEmpty('lifecycle_stage'),
  tags: experiment.pairs('tags'),
})
