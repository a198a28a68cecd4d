export { incompatibilities } from './compatibility.ts'
export { describeValue, kindOf } from './describe.ts'
export { InputSchemaError } from './errors.ts'
export { Fault } from './faults.ts'
export { type Field, type Kind, MAX_NUMBER, type Role, ROLES, type TimeFormat } from './field.ts'
export {
  jsonSchemaOf,
  sqlTypeOf,
  tensorDatatypes,
  valueFromCell,
  valueFromJson,
  valueFromParquet,
  valueFromTensor,
  valueToJson,
} from './kinds.ts'
export { NINE_FIELDS } from './nine-fields.ts'
export { type Row, rowFromObject, type TextRule } from './row.ts'
export { type InputSchema, INPUTS_FORMAT, parseInputSchema, type Target } from './schema.ts'
export { STORABLE_TEXT, trimAscii } from './text-rules.ts'
export { type Value } from './value.ts'
