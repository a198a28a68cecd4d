/**
 * The environment → one frozen Config. The only reader of `process.env`; SETTINGS is the only place with names, defaults and
 * descriptions: `.env.example` and the table in docs/operations.md are made from it. Every fault is reported at once.
 */

import { LOG_FIELDS, type LogField } from './prediction-log/index.ts'

export interface Config {
  readonly host: string
  readonly port: number
  readonly dataDir: string
  readonly database: { readonly url: string } | 'embedded' | 'off'
  readonly modelDir: string
  readonly challengerDir: string | null
  /** Null: bundles come from folders. */
  readonly mlflow: MlflowConfig | null
  readonly modelPollMs: number
  readonly modelMaxBytes: number
  readonly rollout: { readonly challengerShare: number; readonly salt: string; readonly shadow: boolean }
  readonly logLevel: string
  readonly bodyLimitBytes: number
  readonly batchMaxUsers: number
  readonly logFlushMs: number
  readonly logFsyncMs: number
  readonly logSpoolMaxBytes: number
  readonly logWhenFull: 'drop' | 'reject'
  readonly logRetentionDays: number
  readonly logFields: ReadonlySet<LogField>
  readonly shutdownGraceMs: number
}

export interface MlflowConfig {
  readonly trackingUri: string
  /** Of the registered model. */
  readonly modelName: string
  /** Null: what stands before the host in the URI, if anything. */
  readonly auth: { readonly token: string } | { readonly username: string; readonly password: string } | null
}

interface Setting {
  readonly name: string
  readonly default: string
  readonly description: string
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

export const SETTINGS = [
  { name: 'HOST', default: '127.0.0.1', description: 'Address to listen on.' },
  { name: 'PORT', default: '5001', description: 'Port to listen on; 0 takes a free one.' },
  {
    name: 'DATA_DIR',
    default: '.day7',
    description: 'Folder of the spool, of the embedded database and of models from the registry.',
  },
  {
    name: 'DATABASE_URL',
    default: '',
    description:
      'PostgreSQL server of the prediction log, `postgres://user:password@host:5432/database`. Empty: an embedded one in `DATA_DIR`. `off`: no log.',
  },
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
  { name: 'MLFLOW_TRACKING_TOKEN', default: '', description: 'Bearer token for the MLflow server.' },
  {
    name: 'MLFLOW_TRACKING_USERNAME',
    default: '',
    description: 'User name for the MLflow server, where there is no token.',
  },
  { name: 'MLFLOW_TRACKING_PASSWORD', default: '', description: 'The user’s password.' },
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
  { name: 'LOG_LEVEL', default: 'info', description: `One of ${LOG_LEVELS.join(', ')}.` },
  {
    name: 'BODY_LIMIT_BYTES',
    default: '8388608',
    description: 'Largest request body; a larger one gets 413.',
  },
  {
    name: 'BATCH_MAX_USERS',
    default: '10000',
    description: 'Most users in one `/batch_predict`, and most outcomes in one `/outcomes`.',
  },
  {
    name: 'LOG_FLUSH_MS',
    default: '500',
    description: 'Pause between two shipments of predictions to the database.',
  },
  {
    name: 'LOG_FSYNC_MS',
    default: '1000',
    description:
      'The spool goes to the disk this often: what a loss of power may cost. `0`: before every answer.',
  },
  {
    name: 'LOG_SPOOL_MAX_BYTES',
    default: '1073741824',
    description: 'Disk that the spool of one process may take while the database is away.',
  },
  {
    name: 'LOG_WHEN_FULL',
    default: 'drop',
    description:
      'When the spool or its disk is full: `drop` answers and counts what is not kept, `reject` answers 503.',
  },
  {
    name: 'LOG_RETENTION_DAYS',
    default: '400',
    description: 'Days after which predictions, their statistics and outcomes are deleted.',
  },
  {
    name: 'LOG_FIELDS',
    default: LOG_FIELDS.join(','),
    description: 'Inputs that are kept in the log; the others are null there. `none` keeps none.',
  },
  {
    name: 'SHUTDOWN_GRACE_MS',
    default: '10000',
    description: 'Time for open requests and waiting predictions when the service is told to stop.',
  },
] as const satisfies readonly Setting[]

export type SettingName = (typeof SETTINGS)[number]['name']

export class ConfigError extends Error {
  readonly code = 'CONFIG_INVALID'
  override readonly name = 'ConfigError'
  readonly faults: readonly string[]

  constructor(faults: readonly string[]) {
    super(
      `the configuration has ${faults.length} fault(s):\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
    )
    this.faults = faults
  }
}

/** @throws ConfigError that lists every fault */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = []
  const text = (name: SettingName): string => {
    const value = environment[name]
    return value === undefined || value === ''
      ? SETTINGS.find((setting) => setting.name === name)!.default
      : value
  }
  const whole = (name: SettingName, min: number, max: number): number => {
    const value = text(name)
    const number = Number(value)
    if (!/^\d+$/.test(value) || number < min || number > max)
      faults.push(`${name}: expected a whole number from ${min} to ${max}, got "${value}"`)
    return number
  }
  const oneOf = <T extends string>(name: SettingName, choices: readonly T[]): T => {
    const value = text(name)
    if (!choices.includes(value as T))
      faults.push(
        `${name}: expected one of ${choices.map((choice) => choice || 'nothing').join(', ')}, got "${value}"`,
      )
    return value as T
  }
  const someOf = <T extends string>(name: SettingName, choices: readonly T[]): ReadonlySet<T> => {
    const value = text(name)
    const values = value === 'none' ? [] : value.split(',').map((part) => part.trim() as T)
    for (const part of values.filter((part) => !choices.includes(part)))
      faults.push(`${name}: expected some of ${choices.join(', ')} between commas, or none, got "${part}"`)
    return new Set(values)
  }
  const database = (): Config['database'] => {
    const value = text('DATABASE_URL')
    if (value === '') return 'embedded'
    if (value === 'off') return 'off'
    // The value may hold a password and is not repeated.
    if (!/^postgres(ql)?:$/.test(URL.parse(value)?.protocol ?? ''))
      faults.push('DATABASE_URL: expected postgres://user:password@host:port/database, or off')
    return { url: value }
  }

  const mlflow = (): MlflowConfig | null => {
    const [trackingUri, modelName] = [text('MLFLOW_TRACKING_URI'), text('MLFLOW_MODEL_NAME')]
    const [token, username] = [text('MLFLOW_TRACKING_TOKEN'), text('MLFLOW_TRACKING_USERNAME')]
    if (trackingUri === '') return null
    // The value may hold a password and is not repeated.
    const url = URL.parse(trackingUri)
    if (!/^https?:$/.test(url?.protocol ?? '') || url?.search || url?.hash)
      faults.push('MLFLOW_TRACKING_URI: expected http(s)://host:port, or nothing')
    if (/[/:]/.test(modelName))
      faults.push(`MLFLOW_MODEL_NAME: expected a name without / and :, got "${modelName}"`)
    const auth =
      token !== ''
        ? { token }
        : username !== ''
          ? { username, password: text('MLFLOW_TRACKING_PASSWORD') }
          : null
    return { trackingUri, modelName, auth }
  }

  const challengerShare = (): number => {
    const value = text('ROLLOUT')
    const parts = new Map(value.split(',').map((part) => part.trim().split('=', 2) as [string, string]))
    const percent = (variant: string): number => {
      const number = parts.get(variant) ?? '0'
      return /^\d+(\.\d+)?$/.test(number) ? Number(number) : NaN
    }
    const known = [...parts.keys()].every((name) => name === 'champion' || name === 'challenger')
    if (!known || !(Math.abs(percent('champion') + percent('challenger') - 100) <= 1e-9))
      faults.push(`ROLLOUT: expected champion=P,challenger=Q with P + Q = 100, got "${value}"`)
    return percent('challenger') / 100
  }

  const config: Config = {
    host: text('HOST'),
    port: whole('PORT', 0, 65_535),
    dataDir: text('DATA_DIR'),
    database: database(),
    modelDir: text('MODEL_DIR'),
    challengerDir: text('CHALLENGER_DIR') || null,
    mlflow: mlflow(),
    modelPollMs: whole('MODEL_POLL_MS', 100, 3_600_000),
    modelMaxBytes: whole('MODEL_MAX_BYTES', 1_048_576, 2 ** 34),
    rollout: {
      challengerShare: challengerShare(),
      salt: text('ROLLOUT_SALT'),
      shadow: oneOf('ROLLOUT_SHADOW', ['', 'challenger']) !== '',
    },
    logLevel: oneOf('LOG_LEVEL', LOG_LEVELS),
    bodyLimitBytes: whole('BODY_LIMIT_BYTES', 1024, 2 ** 30),
    batchMaxUsers: whole('BATCH_MAX_USERS', 1, 1_000_000),
    logFlushMs: whole('LOG_FLUSH_MS', 1, 60_000),
    logFsyncMs: whole('LOG_FSYNC_MS', 0, 600_000),
    logSpoolMaxBytes: whole('LOG_SPOOL_MAX_BYTES', 1_048_576, 2 ** 40),
    logWhenFull: oneOf('LOG_WHEN_FULL', ['drop', 'reject']),
    logRetentionDays: whole('LOG_RETENTION_DAYS', 1, 36_500),
    logFields: someOf('LOG_FIELDS', LOG_FIELDS),
    shutdownGraceMs: whole('SHUTDOWN_GRACE_MS', 0, 600_000),
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(config)
}

/** `.env.example` */
export function settingsAsEnv(): string {
  return SETTINGS.map((setting) => `# ${setting.description}\n#${setting.name}=${setting.default}\n`).join(
    '\n',
  )
}

/** The table in docs/operations.md. */
export function settingsAsMarkdown(): string {
  const rows = SETTINGS.map(({ name, default: value, description }) => {
    return `| \`${name}\` | ${value === '' ? '–' : `\`${value}\``} | ${description} |`
  })
  return ['| setting | default | what it does |', '|---|---|---|', ...rows, ''].join('\n')
}
