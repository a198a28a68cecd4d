export * from './bundle/index.ts'
export * from './ensemble/index.ts'
export * from './features/index.ts'
export * from './inputs/index.ts'
