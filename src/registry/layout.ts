/**
 * Where a registered model keeps its bundle and what its version's tags are called; as `training/day7_training/registry` has them.
 */

/** Of a model: what MLflow's `pyfunc` calls its data. */
export const BUNDLE_FOLDER = 'data/bundle'
export const MANIFEST = 'manifest.json'
export const EXPERIMENT = 'day7-revenue'
export const BUNDLE_VERSION_TAG = 'bundle_version'
export const CHAMPION = 'champion'
export const CHALLENGER = 'challenger'

export const hashTag = (file: string): string => `sha256.${file}`
