export type { FieldRange, UnknownKind } from '../features/index.ts'
export { Bundle, type BundleParts, type Interval, type Prediction } from './bundle.ts'
export type { Calibration, Pair } from './calibration.ts'
export { BundleError } from './errors.ts'
export {
  type Contribution,
  type Explanation,
  ExplanationError,
  type PartExplanation,
  type RawScoreExplanation,
} from './explanation.ts'
export { loadBundle, loadBundleAside } from './loading.ts'
export { type FlaggedGroup, type Manifest, readManifest } from './manifest.ts'
export type { Part, Parts } from './parts.ts'
export type { Profile, ReferenceHistogram } from './profile.ts'
export { rounded, roundTo6 } from './rounding.ts'
export { verifyBundle } from './verify.ts'
