export { FeaturePlanError } from './errors.ts'
export { type FeaturePlan, parseFeaturePlan } from './feature-plan.ts'
export {
  COUNT_FIELDS,
  type CountField,
  type Install,
  INSTALL_FIELDS,
  type InstallField,
  TEXT_FIELDS,
  type TextField,
} from './install.ts'
