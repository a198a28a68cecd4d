export {
  type CompiledModel,
  compileModel,
  type Doubles,
  Ensemble,
  type ModelOptions,
  parseModel,
} from './ensemble.ts'
export { ModelFormatError } from './errors.ts'
export { splitGains } from './gains.ts'
