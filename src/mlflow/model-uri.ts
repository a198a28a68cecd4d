/**
 * `models:/…` → which version of a registered model is meant, as MLflow reads it (mlflow/store/artifact/utils/models.py). Refuses
 * ids of logged models, which have no registry entry, and stages, which MLflow has given up for aliases.
 */
import { MlflowError } from './errors.ts'

export type ModelUri =
  | { readonly kind: 'version'; readonly name: string; readonly version: string }
  | { readonly kind: 'alias'; readonly name: string; readonly alias: string }
  | { readonly kind: 'latest'; readonly name: string }

const EXPECTED = 'models:/name/version, models:/name@alias or models:/name/latest'

/** @throws MlflowError INVALID_MODEL_URI */
export function parseModelUri(uri: string): ModelUri {
  const [, first = '', second, more] = /^models:\/([^/]+)(?:\/([^/]*))?(\/.*)?$/s.exec(uri) ?? []
  if (first.trim() === '' || more !== undefined) throw refused(uri)
  if (second !== undefined) return numbered(uri, first, second)
  const at = first.lastIndexOf('@')
  if (at === -1)
    throw refused(
      uri,
      first.startsWith('m-') ? ': the id of a logged model, which is not in the registry' : '',
    )
  const [name, alias] = [first.slice(0, at), first.slice(at + 1)]
  if (name.trim() === '' || alias === '') throw refused(uri)
  return { kind: 'alias', name, alias }
}

function numbered(uri: string, name: string, version: string): ModelUri {
  if (/^\d+$/.test(version)) return { kind: 'version', name, version }
  if (version.toLowerCase() === 'latest') return { kind: 'latest', name }
  throw refused(uri, version.trim() === '' ? '' : `: "${version}" would be a stage; use an alias`)
}

const refused = (uri: string, why = ''): MlflowError =>
  MlflowError.of('INVALID_MODEL_URI', `expected a model URI of the form ${EXPECTED}, got "${uri}"${why}`)
