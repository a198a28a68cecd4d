/**
 * The models of the Open Inference Protocol: a name, or a name and a version → what answers. Without a version that is what is in service
 * under the name, with its split of the users; with a version it is that model for all of them, and what it says belongs to no arm of
 * an experiment.
 */
import type { Bundle } from '../../bundle/index.ts'
import type { Serving, Slot } from '../../rollout/index.ts'
import type { Answering } from '../prediction.ts'

/** As what a model answers that was named; `champion` and `challenger` are for users who were dealt to them. */
const NAMED = 'named'

export interface NamedModel {
  readonly name: string
  /** Those in service under the name. */
  readonly versions: readonly string[]
  readonly answering: Answering
}

export interface ModelParams {
  readonly name: string
  readonly version?: string
}

/** @throws 404 */
export function modelNamed(serving: Serving, { name, version }: ModelParams): NamedModel {
  const slots = Object.values(serving.slots).filter((slot) => slot?.bundle.manifest.name === name) as Slot[]
  const bundles = slots.map(({ bundle }) => bundle)
  const versions = [...new Set(bundles.map(({ manifest }) => manifest.version))]
  if (bundles.length === 0) throw notServed('there is no model of this name in service')
  if (version === undefined) {
    const isSplit = bundles.includes(serving.champion.bundle)
    return { name, versions, answering: isSplit ? serving : only(bundles[0]!) }
  }
  const bundle = bundles.find(({ manifest }) => manifest.version === version)
  if (!bundle) throw notServed(`this version is not in service; in service: ${versions.join(', ')}`)
  return { name, versions, answering: only(bundle) }
}

function only(bundle: Bundle): Answering {
  return {
    inputs: bundle.inputs,
    otherInputs: null,
    predict: (_, row) => ({ bundle, variant: NAMED, row, prediction: bundle.predict(row), failed: null }),
    shadow: null,
  }
}

function notServed(message: string): Error {
  return Object.assign(new Error(message), { statusCode: 404, code: 'NO_SUCH_MODEL' })
}
