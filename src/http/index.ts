export { type AppOptions, createApp } from './app.ts'
export { SECRET_PATHS } from './plugins/credentials.ts'
export type { App, AppContext, WatchedModels } from './context.ts'
