/**
 * The path of an artifact, or the URI of a folder of artifacts → the path of a request. Refuses, before anything is sent, what could
 * leave the folder and what MLflow would store under another name; and folders whose bytes the server does not pass on.
 */
import { MlflowError } from './errors.ts'

/** Where proxied artifacts are: `mlflow-artifacts:/…`, or `mlflow-artifacts://host/…` on a server of its own. */
export interface ProxiedFolder {
  /** `host[:port]`; null: the tracking server. */
  readonly host: string | null
  readonly segments: readonly string[]
}

/**
 * @param path relative, with '/'
 * @returns its segments
 * @throws MlflowError INVALID_ARTIFACT_PATH
 */
export function segmentsOf(path: string): string[] {
  const segments = path.split('/')
  for (const segment of segments) {
    const fault = FAULTS.find(([, test]) => test(segment))
    if (fault)
      throw MlflowError.of(
        'INVALID_ARTIFACT_PATH',
        `expected an artifact path of plain names with "/" between them, got ${JSON.stringify(path)}: ${fault[0]}`,
      )
  }
  return segments
}

/** @throws MlflowError INVALID_ARTIFACT_URI, INVALID_ARTIFACT_PATH */
export function proxiedFolderOf(artifactUri: string): ProxiedFolder {
  const match = /^mlflow-artifacts:(?:\/\/([^/]*))?\/(.*)$/s.exec(artifactUri)
  if (match === null)
    throw MlflowError.of(
      'INVALID_ARTIFACT_URI',
      `expected an artifact location that begins with mlflow-artifacts:/, got "${artifactUri}": start the MLflow server with --serve-artifacts`,
    )
  const [, host = '', path = ''] = match
  if (host !== '' && !/^[\w.-]+(:\d+)?$|^\[[\da-f:.]+\](:\d+)?$/i.test(host))
    throw MlflowError.of('INVALID_ARTIFACT_URI', `expected host[:port] in the artifact location, got another`)
  const trimmed = path.replace(/\/+$/, '')
  return { host: host || null, segments: trimmed === '' ? [] : segmentsOf(trimmed) }
}

/** '' for no segments, else '/a/b', each encoded. */
export const encoded = (segments: readonly string[]): string =>
  segments.map((segment) => `/${encodeURIComponent(segment)}`).join('')

/** MLflow decodes a path as long as it changes (mlflow/utils/uri.py, validate_path_is_safe), and refuses '#'. */
const FAULTS: readonly (readonly [string, (segment: string) => boolean])[] = [
  ['a name is empty', (segment) => segment === ''],
  ['"." and ".." name no file', (segment) => segment === '.' || segment === '..'],
  ['a control character', (segment) => /\p{Cc}/u.test(segment)],
  ['a backslash', (segment) => segment.includes('\\')],
  ['MLflow refuses "#"', (segment) => segment.includes('#')],
  ['MLflow would decode a "%" and two digits', (segment) => /%[\da-f]{2}/i.test(segment)],
  ['half a surrogate pair', (segment) => !segment.isWellFormed()],
]
