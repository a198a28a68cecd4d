export { Rollout, type RolloutOptions, type SlotChange } from './rollout.ts'
export { type Assignment, type Serving, type Slot, type Traffic, type Variant, VARIANTS } from './serving.ts'
export { type Scorable, Shadow, type ShadowCounts, type ShadowScore } from './shadow.ts'
