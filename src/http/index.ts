export { type AppOptions, createApp } from './app.ts'
export type { App, AppContext, WatchedModels } from './context.ts'
export { Lifecycle, type LifecycleState } from './lifecycle.ts'
