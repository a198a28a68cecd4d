export { type AppOptions, createApp } from './app.ts'
export { SECRET_HEADERS } from './plugins/credentials.ts'
export type { App, AppContext, WatchedModels } from './context.ts'
