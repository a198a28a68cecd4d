/**
 * Where the files of the deployment are, and what of them is not in this folder's hands.
 */
import { globSync, readFileSync } from 'node:fs'
import { parse, parseAllDocuments } from 'yaml'

export const DOCKERFILES = ['docker/Dockerfile', 'docker/training.Dockerfile', 'docker/mlflow.Dockerfile']
export const KUBERNETES = 'docker/kubernetes'
/** What is applied to a cluster, and how it may look with the component that keeps the spool. */
export const OVERLAYS = ['overlays/production', 'overlays/regions/eu', 'overlays/regions/us']

export interface ComposeService {
  readonly image: string
  readonly profiles?: readonly string[]
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly environment?: Readonly<Record<string, string | number>>
  readonly mem_limit?: string
  readonly networks?:
    | readonly string[]
    | Readonly<Record<string, { readonly aliases?: readonly string[]; readonly ipv4_address?: string }>>
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly read_only?: boolean
  readonly cap_drop?: readonly string[]
  readonly command?: readonly string[]
  readonly stop_grace_period?: string
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly volumes: Readonly<Record<string, unknown>>
  readonly networks: Readonly<
    Record<string, { readonly ipam?: { readonly config: readonly { readonly subnet: string }[] } } | null>
  >
}

/** `${NAME:-value}` → `value`. */
export const withDefaults = (value: string | number): string =>
  String(value).replaceAll(/\$\{\w+:?-([^}]*)\}/g, '$1')

export function readCompose(): Compose {
  return parse(readFileSync('compose.yaml', 'utf8'), { merge: true }) as Compose
}

/** Any object of Kubernetes, as far as the tests look. */
export type Manifest = any

/** The manifests below a folder, without kustomize's own files. */
export function readManifests(folder: string): Manifest[] {
  return globSync(`${KUBERNETES}/${folder}/**/*.yaml`)
    .filter((path) => !path.endsWith('kustomization.yaml'))
    .flatMap((path) => parseAllDocuments(readFileSync(path, 'utf8')).map((document) => document.toJS()))
}

/** Lines of NAME=value. */
export function readSettings(path: string): Map<string, string> {
  return new Map(
    readFileSync(path, 'utf8')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => line.split(/=(.*)/s).slice(0, 2) as [string, string]),
  )
}
