export {
  type Config,
  ConfigError,
  readConfig,
  SETTINGS,
  settingsAsEnv,
  settingsAsMarkdown,
} from './config.ts'
export type { MlflowConfig } from './models.ts'
export { fileSettingOf } from './secret-files.ts'
