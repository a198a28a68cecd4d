export { type Assignment, createRollout, type Rollout, type Variant } from './rollout.ts'
