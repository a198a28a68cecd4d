/**
 * The environment → one frozen Config. The only reader of `process.env`; the sections' SETTINGS are the only places with names,
 * defaults and descriptions: `.env.example` and the table in docs/operations.md are made from them.
 */
import { ACCESS_SETTINGS, type AccessConfig, readAccess } from './access.ts'
import { BROWSER_SETTINGS, type BrowsersConfig, readBrowsers } from './browsers.ts'
import { EXPLANATION_SETTINGS, type ExplanationsConfig, readExplanations } from './explanations.ts'
import { IDEMPOTENCY_SETTINGS, type IdempotencyConfig, readIdempotency } from './idempotency.ts'
import { LIMIT_SETTINGS, type LimitsConfig, readLimits } from './limits.ts'
import { LOG_SETTINGS, type LogConfig, readLog } from './log.ts'
import { MODEL_SETTINGS, type ModelsConfig, readModels } from './models.ts'
import { NETWORK_SETTINGS, type NetworkConfig, readNetwork } from './network.ts'
import { OBSERVABILITY_SETTINGS, type ObservabilityConfig, readObservability } from './observability.ts'
import { PROCESSES_SETTINGS, type ProcessesConfig, readProcesses } from './processes.ts'
import { readRedis, REDIS_SETTINGS, type RedisConfig } from './redis.ts'
import { type Environment, fileSettingOf, withSecretFiles } from './secret-files.ts'
import { Reader, type Setting } from './setting.ts'
import { readStreams, STREAM_SETTINGS, type StreamsConfig } from './streams.ts'

export interface Config
  extends
    NetworkConfig,
    StreamsConfig,
    ProcessesConfig,
    AccessConfig,
    LimitsConfig,
    BrowsersConfig,
    ModelsConfig,
    LogConfig,
    RedisConfig,
    IdempotencyConfig,
    ExplanationsConfig,
    ObservabilityConfig {}

export const SETTINGS: readonly Setting[] = [
  ...NETWORK_SETTINGS,
  ...STREAM_SETTINGS,
  ...PROCESSES_SETTINGS,
  ...ACCESS_SETTINGS,
  ...LIMIT_SETTINGS,
  ...BROWSER_SETTINGS,
  ...MODEL_SETTINGS,
  ...LOG_SETTINGS,
  ...REDIS_SETTINGS,
  ...IDEMPOTENCY_SETTINGS,
  ...EXPLANATION_SETTINGS,
  ...OBSERVABILITY_SETTINGS,
]

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

/**
 * @param readText path → text of the file, for secrets that stand in files
 * @throws ConfigError that lists every fault
 */
export function readConfig(given: Environment, readText: (path: string) => string = noFile): Config {
  const faults: string[] = []
  const environment = withSecretFiles(SETTINGS, given, readText, faults)
  const log = readLog(new Reader(LOG_SETTINGS, environment, faults))
  const config: Config = {
    ...readNetwork(new Reader(NETWORK_SETTINGS, environment, faults)),
    ...readStreams(new Reader(STREAM_SETTINGS, environment, faults)),
    ...readProcesses(new Reader(PROCESSES_SETTINGS, environment, faults), log),
    ...readAccess(new Reader(ACCESS_SETTINGS, environment, faults)),
    ...readLimits(new Reader(LIMIT_SETTINGS, environment, faults)),
    ...readBrowsers(new Reader(BROWSER_SETTINGS, environment, faults)),
    ...readModels(new Reader(MODEL_SETTINGS, environment, faults)),
    ...log,
    ...readRedis(new Reader(REDIS_SETTINGS, environment, faults)),
    ...readIdempotency(new Reader(IDEMPOTENCY_SETTINGS, environment, faults)),
    ...readObservability(new Reader(OBSERVABILITY_SETTINGS, environment, faults)),
    ...readExplanations(new Reader(EXPLANATION_SETTINGS, environment, faults)),
  }
  if (faults.length > 0) throw new ConfigError(faults)
  return Object.freeze(config)
}

function noFile(path: string): string {
  throw new Error(`expected no file here, got ${path}`)
}

/** `.env.example` */
export function settingsAsEnv(): string {
  return SETTINGS.map((setting) => `# ${describe(setting)}\n#${setting.name}=${setting.default}\n`).join('\n')
}

/** The table in docs/operations.md. */
export function settingsAsMarkdown(): string {
  const rows = SETTINGS.map((setting) => {
    const value = setting.default === '' ? '–' : `\`${setting.default}\``
    return `| \`${setting.name}\` | ${value} | ${describe(setting)} |`
  })
  return ['| setting | default | what it does |', '|---|---|---|', ...rows, ''].join('\n')
}

function describe(setting: Setting): string {
  const fileSetting = fileSettingOf(setting)
  return fileSetting
    ? `${setting.description} \`${fileSetting}\` may name a file with it.`
    : setting.description
}
