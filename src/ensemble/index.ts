export { Ensemble, parseModel } from './ensemble.ts'
export { ModelFormatError } from './errors.ts'
