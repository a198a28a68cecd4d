/**
 * What tells MLflow's own clients how to load a published bundle: the file `MLmodel`. They need the package `day7_training`, which a
 * model that Python registers brings with it. The service never reads it.
 */
import type { Manifest } from '../bundle/index.ts'
import { BUNDLE_FOLDER } from './layout.ts'

export const MLMODEL = 'MLmodel'

/** JSON, and so YAML. */
export function mlmodelOf(manifest: Manifest, runId: string, now: Date): string {
  const model = {
    artifact_path: 'model',
    flavors: {
      python_function: { data: BUNDLE_FOLDER, loader_module: 'day7_training.registry.pyfunc' },
    },
    metadata: { day7_bundle: manifest.version },
    run_id: runId,
    utc_time_created: now.toISOString().replace('T', ' ').replace('Z', ''),
  }
  return `${JSON.stringify(model, null, 2)}\n`
}
