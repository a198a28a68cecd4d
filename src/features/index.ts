export { type Categories, categoriesOf } from './categories.ts'
export { FeaturePlanError } from './errors.ts'
export { type FeaturePlan, parseFeaturePlan } from './feature-plan.ts'
export {
  countFault,
  describeValue,
  installFault,
  MAX_COUNT,
  MAX_TEXT_LENGTH,
  NULLABLE_COUNTS,
  STORABLE_TEXT,
  textFault,
  toJson,
} from './install-rules.ts'
export {
  COUNT_FIELDS,
  type CountField,
  type Install,
  INSTALL_FIELDS,
  type InstallField,
  TEXT_FIELDS,
  type TextField,
} from './install.ts'
