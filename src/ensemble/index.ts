export { type CompiledModel, compileModel, Ensemble, type ModelOptions, parseModel } from './ensemble.ts'
export { ModelFormatError } from './errors.ts'
export { splitGains } from './gains.ts'
