export { type Categories, categoriesOf } from './categories.ts'
export { FeaturePlanError } from './errors.ts'
export { type FeaturePlan, parseFeaturePlan } from './feature-plan.ts'
export { FOLDS } from './operators.ts'
export { countFault, installFault, MAX_COUNT, textFault } from './install-rules.ts'
export {
  COUNT_FIELDS,
  type CountField,
  type Install,
  INSTALL_FIELDS,
  type InstallField,
  TEXT_FIELDS,
  type TextField,
} from './install.ts'
