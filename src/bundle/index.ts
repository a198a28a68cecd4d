export { Bundle, loadBundle, type Prediction } from './bundle.ts'
export { BundleError } from './errors.ts'
export type { Manifest } from './manifest.ts'
