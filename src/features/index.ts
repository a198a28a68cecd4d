export { type Categories, categoriesOf } from './categories.ts'
export { FeaturePlanError } from './errors.ts'
export { type FeaturePlan, parseFeaturePlan } from './feature-plan.ts'
export { FOLDS } from './operators.ts'
