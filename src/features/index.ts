export { type Categories, categoriesOf } from './categories.ts'
export { FeaturePlanError } from './errors.ts'
export { type FeaturePlan, parseFeaturePlan } from './feature-plan.ts'
export {
  COUNT_FIELDS,
  type CountField,
  type Install,
  type InstallField,
  TEXT_FIELDS,
  type TextField,
} from './install.ts'
