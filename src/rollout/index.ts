export { BundleCache } from './cache.ts'
export { FolderSource } from './folder-source.ts'
export { Follower, type FollowerOptions, type FollowerStatus, type Refusal } from './follower.ts'
export { type RegisteredVersion, type Registry, RegistrySource } from './registry-source.ts'
export { Rollout, type RolloutOptions, type SlotChange } from './rollout.ts'
export {
  type Answer,
  type Assignment,
  type Serving,
  type Slot,
  type Traffic,
  type Variant,
  VARIANTS,
} from './serving.ts'
export { type Offered, type Scorable, Shadow, type ShadowCounts, type ShadowScore } from './shadow.ts'
export type { BundleSource, Fetched, Found, Kept } from './source.ts'
export { TrafficControl, type TrafficSetting, type TrafficStore } from './traffic-control.ts'
