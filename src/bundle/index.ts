export { Bundle, type Prediction } from './bundle.ts'
export { BundleError } from './errors.ts'
export { loadBundle, loadBundleAside } from './loading.ts'
export type { FlaggedGroup, Manifest } from './manifest.ts'
