export { Bundle, loadBundle, type Prediction } from './bundle.ts'
export { BundleError } from './errors.ts'
export type { FlaggedGroup, Manifest } from './manifest.ts'
