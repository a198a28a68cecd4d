export { type AppOptions, createApp } from './app.ts'
export type { App, AppContext } from './context.ts'
