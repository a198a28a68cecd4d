export { Ensemble, type ModelOptions, parseModel } from './ensemble.ts'
export { ModelFormatError } from './errors.ts'
