export { keyPlaceOf, type OidcConfig } from './access.ts'
export {
  type Config,
  ConfigError,
  readConfig,
  SETTINGS,
  settingsAsEnv,
  settingsAsMarkdown,
} from './config.ts'
export type { MlflowConfig } from './models.ts'
export type { LogRequests, TracingConfig } from './observability.ts'
export { fileSettingOf } from './secret-files.ts'
