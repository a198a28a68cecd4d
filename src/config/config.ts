/**
 * The environment → one frozen Config. The only reader of `process.env`; the sections' SETTINGS are the only places with names,
 * defaults and descriptions: `.env.example` and the table in docs/operations.md are made from them.
 */
import { EXPLANATION_SETTINGS, type ExplanationsConfig, readExplanations } from './explanations.ts'
import { LOG_SETTINGS, type LogConfig, readLog } from './log.ts'
import { MODEL_SETTINGS, type ModelsConfig, readModels } from './models.ts'
import { NETWORK_SETTINGS, type NetworkConfig, readNetwork } from './network.ts'
import { Reader, type Setting } from './setting.ts'

export interface Config extends NetworkConfig, ModelsConfig, LogConfig, ExplanationsConfig {}

export const SETTINGS: readonly Setting[] = [
  ...NETWORK_SETTINGS,
  ...MODEL_SETTINGS,
  ...LOG_SETTINGS,
  ...EXPLANATION_SETTINGS,
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

/** @throws ConfigError that lists every fault */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const faults: string[] = []
  const config: Config = {
    ...readNetwork(new Reader(NETWORK_SETTINGS, environment, faults)),
    ...readModels(new Reader(MODEL_SETTINGS, environment, faults)),
    ...readLog(new Reader(LOG_SETTINGS, environment, faults)),
    ...readExplanations(new Reader(EXPLANATION_SETTINGS, environment, faults)),
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
