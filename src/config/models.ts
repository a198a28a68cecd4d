/**
 * Where models come from, and which users each of them answers.
 */
import type { Reader, Setting } from './setting.ts'

export interface ModelsConfig {
  readonly modelDir: string
  readonly challengerDir: string | null
  /** Null: bundles come from folders. */
  readonly mlflow: MlflowConfig | null
  readonly modelPollMs: number
  readonly modelMaxBytes: number
  /** Ids of input schemas. */
  readonly acceptedInputs: ReadonlySet<string>
  readonly rollout: { readonly challengerShare: number; readonly salt: string; readonly shadow: boolean }
}

export interface MlflowConfig {
  readonly trackingUri: string
  /** Of the registered model. */
  readonly modelName: string
  /** Null: what stands before the host in the URI, if anything. */
  readonly auth: { readonly token: string } | { readonly username: string; readonly password: string } | null
}

export const MODEL_SETTINGS = [
  {
    name: 'MLFLOW_TRACKING_URI',
    default: '',
    description:
      'MLflow server whose aliases `champion` and `challenger` are followed, `http(s)://host:port`. Empty: bundles come from folders.',
  },
  {
    name: 'MLFLOW_MODEL_NAME',
    default: 'day7-revenue',
    description: 'The registered model whose aliases are followed.',
  },
  {
    name: 'MLFLOW_TRACKING_TOKEN',
    default: '',
    description: 'Bearer token for the MLflow server.',
    secret: true,
  },
  {
    name: 'MLFLOW_TRACKING_USERNAME',
    default: '',
    description: 'User name for the MLflow server, where there is no token.',
  },
  { name: 'MLFLOW_TRACKING_PASSWORD', default: '', description: 'The user’s password.', secret: true },
  {
    name: 'MODEL_DIR',
    default: 'artifacts/champion',
    description: 'Folder of the bundle that is served, without `MLFLOW_TRACKING_URI`. It is watched.',
  },
  {
    name: 'CHALLENGER_DIR',
    default: '',
    description: 'Folder of the challenger’s bundle, which is watched too. Empty: there is none.',
  },
  {
    name: 'MODEL_POLL_MS',
    default: '15000',
    description: 'How often aliases, or folders, are looked at; a fifth more or less, at random.',
  },
  {
    name: 'MODEL_MAX_BYTES',
    default: '268435456',
    description: 'Largest bundle that is fetched from MLflow, all files together; a larger one is refused.',
  },
  {
    name: 'ACCEPTED_INPUTS',
    default: '',
    description:
      'Ids of input schemas, between commas, with which a new champion may come into service although it refuses requests that the present one takes. Without it such a champion is refused; the reason names the id.',
  },
  {
    name: 'ROLLOUT',
    default: 'champion=100,challenger=0',
    description: 'Percent of the users that each answers, while there is a challenger.',
  },
  {
    name: 'ROLLOUT_SHADOW',
    default: '',
    description:
      '`challenger`: it also scores what the champion answers, after the answer; the log keeps both. Empty: it does not.',
  },
  {
    name: 'ROLLOUT_SALT',
    default: 'day7',
    description: 'Changed, it deals the users anew to champion and challenger.',
  },
] as const satisfies readonly Setting[]

type Name = (typeof MODEL_SETTINGS)[number]['name']

export function readModels(read: Reader<Name>): ModelsConfig {
  return {
    modelDir: read.text('MODEL_DIR'),
    challengerDir: read.text('CHALLENGER_DIR') || null,
    mlflow: mlflow(read),
    modelPollMs: read.whole('MODEL_POLL_MS', 100, 3_600_000),
    modelMaxBytes: read.whole('MODEL_MAX_BYTES', 1_048_576, 2 ** 34),
    acceptedInputs: acceptedInputs(read),
    rollout: {
      challengerShare: challengerShare(read),
      salt: read.text('ROLLOUT_SALT'),
      shadow: read.oneOf('ROLLOUT_SHADOW', ['', 'challenger']) !== '',
    },
  }
}

function mlflow(read: Reader<Name>): MlflowConfig | null {
  const [trackingUri, modelName] = [read.text('MLFLOW_TRACKING_URI'), read.text('MLFLOW_MODEL_NAME')]
  const [token, username] = [read.text('MLFLOW_TRACKING_TOKEN'), read.text('MLFLOW_TRACKING_USERNAME')]
  if (trackingUri === '') return null
  // The value may hold a password and is not repeated.
  const url = URL.parse(trackingUri)
  if (!/^https?:$/.test(url?.protocol ?? '') || url?.search || url?.hash)
    read.fault('MLFLOW_TRACKING_URI', 'expected http(s)://host:port, or nothing')
  if (/[/:]/.test(modelName))
    read.fault('MLFLOW_MODEL_NAME', `expected a name without / and :, got "${modelName}"`)
  const auth =
    token !== ''
      ? { token }
      : username !== ''
        ? { username, password: read.text('MLFLOW_TRACKING_PASSWORD') }
        : null
  return { trackingUri, modelName, auth }
}

function acceptedInputs(read: Reader<Name>): ReadonlySet<string> {
  const ids = read
    .text('ACCEPTED_INPUTS')
    .split(',')
    .map((id) => id.trim())
    .filter(Boolean)
  for (const id of ids.filter((id) => !/^[0-9a-f]{16}$/.test(id)))
    read.fault('ACCEPTED_INPUTS', `expected ids of 16 hexadecimal digits between commas, got "${id}"`)
  return new Set(ids)
}

function challengerShare(read: Reader<Name>): number {
  const value = read.text('ROLLOUT')
  const parts = new Map(value.split(',').map((part) => part.trim().split('=', 2) as [string, string]))
  const percent = (variant: string): number => {
    const number = parts.get(variant) ?? '0'
    return /^\d+(\.\d+)?$/.test(number) ? Number(number) : NaN
  }
  const known = [...parts.keys()].every((name) => name === 'champion' || name === 'challenger')
  if (!known || !(Math.abs(percent('champion') + percent('challenger') - 100) <= 1e-9))
    read.fault('ROLLOUT', `expected champion=P,challenger=Q with P + Q = 100, got "${value}"`)
  return percent('challenger') / 100
}
