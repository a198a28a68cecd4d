export { type AppOptions, createApp } from './app.ts'
export type { App, AppContext, WatchedModels } from './context.ts'
export { REDACTED } from './plugins/request-log.ts'
export { Lifecycle, type LifecycleState } from './lifecycle.ts'
