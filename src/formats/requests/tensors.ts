/**
 * The input tensors of the Open Inference Protocol, one a field → installs or faults. A tensor that is left out is null in all of them,
 * where null is legal. Messages repeat no value of a request.
 */
import {
  Fault,
  type Field,
  type InputSchema,
  kindOf,
  tensorDatatypes,
  type Value,
  valueFromTensor,
} from '../../inputs/index.ts'
import { listNames, repeatedIn } from '../columns.ts'
import { InputError } from '../errors.ts'
import { type ReadInstall, USER_ID_FIELD } from '../install.ts'
import { userIdFault } from '../object-reader.ts'
import { readElements } from './elements.ts'

export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly data?: readonly unknown[] | null
  readonly parameters?: Readonly<Record<string, unknown>> | null
}

type Columns = ReadonlyMap<string, readonly unknown[]>

const holdersOf = ({ fields }: InputSchema): readonly Field[] => [...fields, USER_ID_FIELD]

/** For the model's metadata. */
export function inputTensors(schema: InputSchema): { name: string; datatype: string; shape: number[] }[] {
  return holdersOf(schema).map(({ name, kind }) => ({
    name,
    datatype: tensorDatatypes(kind)[0]!,
    shape: [-1],
  }))
}

/**
 * @param binary what follows the JSON; null where nothing is said to follow
 * @param otherSchemas schemas that `rowFor` may be asked for: their tensors are known, too
 * @throws InputError where the request as a whole is wrong
 */
export function readTensors(
  schema: InputSchema,
  tensors: readonly Tensor[],
  binary: Buffer | null,
  otherSchemas: readonly InputSchema[] = [],
): readonly (ReadInstall | Fault)[] {
  const ours = new Map(holdersOf(schema).map((field) => [field.name, field]))
  const more = otherSchemas.flatMap(({ fields }) => fields.filter(({ name }) => !ours.has(name)))
  const known = new Map([...ours, ...more.map((field) => [field.name, field] as const)])
  expectNames(
    tensors.map(({ name }) => name),
    schema,
    [...ours.keys()],
    new Set(known.keys()),
  )
  const rows = rowsOf(tensors)
  const columns: Columns = new Map(elementsOf(tensors, known, binary, rows))
  return Array.from({ length: rows }, (_, at) => readInstall(schema, columns, at))
}

function readInstall(schema: InputSchema, columns: Columns, at: number): ReadInstall | Fault {
  const row = readRow(schema, columns, at)
  if (row instanceof Fault) return row
  // Clients that write bytes have no null.
  const userId = columns.get(USER_ID_FIELD.name)?.[at] || null
  const fault = userIdFault(userId)
  if (fault) return fault
  return {
    row,
    userId: userId as string | null,
    rowFor: (other) => {
      const row = readRow(other, columns, at)
      return row instanceof Fault ? null : row
    },
  }
}

function readRow({ fields }: InputSchema, columns: Columns, at: number): Value[] | Fault {
  const row: Value[] = []
  for (const field of fields) {
    const value = valueFromTensor(field, columns.get(field.name)?.[at] ?? null)
    if (value instanceof Fault) return value
    row.push(value)
  }
  return row
}

function expectNames(
  names: readonly string[],
  { fields }: InputSchema,
  listed: readonly string[],
  known: ReadonlySet<string>,
): void {
  const unknown = names.findIndex((name) => !known.has(name))
  const twice = repeatedIn(names)
  const neverNull = fields.filter(({ nullable }) => !nullable).map(({ name }) => name)
  const missing = neverNull.filter((name) => !names.includes(name))
  if (unknown !== -1) throw new InputError(`inputs.${unknown}.name: expected one of ${listNames(listed)}`)
  if (twice !== undefined) throw new InputError(`inputs: expected ${String(twice)} once, got it twice`)
  if (missing.length > 0)
    throw new InputError(
      `inputs: expected tensors for ${listNames(neverNull, ' and ')}; missing: ${listNames(missing)}`,
    )
}

/** The same for all. */
function rowsOf(tensors: readonly Tensor[]): number {
  const [first] = tensors
  for (const { name, shape } of tensors) {
    const isColumn = shape.length === 1 || (shape.length === 2 && shape[1] === 1)
    if (!isColumn || !(shape[0]! > 0))
      throw new InputError(`${name}: expected shape [n] or [n,1], got [${shape.join()}]`)
    if (shape[0] !== first!.shape[0])
      throw new InputError(
        `${name}: expected ${first!.shape[0]} elements as in ${first!.name}, got shape [${shape.join()}]`,
      )
  }
  return first?.shape[0] ?? 0
}

function* elementsOf(
  tensors: readonly Tensor[],
  fields: ReadonlyMap<string, Field>,
  binary: Buffer | null,
  rows: number,
): Generator<[string, readonly unknown[]]> {
  let offset = 0
  for (const { name, shape, datatype, data, parameters } of tensors) {
    const expected = tensorDatatypes(fields.get(name)!.kind)
    if (!expected.includes(datatype))
      throw new InputError(`${name}: expected datatype ${expected.join(' or ')}, got another one`)
    if (parameters?.['shared_memory_region'] !== undefined)
      throw new InputError(
        `${name}: expected data, got a region of shared memory, which this service does not read`,
      )
    const size = parameters?.['binary_data_size'] ?? null
    if (size === null) {
      yield [name, listedElements(name, data, shape, datatype)]
      continue
    }
    if (data) throw new InputError(`${name}: expected data or binary_data_size, got both`)
    if (binary === null)
      throw new InputError(
        `${name}: expected the header Inference-Header-Content-Length beside binary_data_size`,
      )
    if (!Number.isSafeInteger(size) || Number(size) < 0 || offset + Number(size) > binary.length)
      throw new InputError(
        `${name}: expected as many bytes after the JSON as binary_data_size says, got ${binary.length - offset}`,
      )
    const bytes = binary.subarray(offset, (offset += Number(size)))
    yield [name, readElements(name, bytes, datatype, rows)]
  }
  if (binary !== null && offset !== binary.length)
    throw new InputError(
      `body: expected ${offset} bytes after the JSON, as the tensors have, got ${binary.length}`,
    )
}

/** Elements in JSON, flat or in lists as the shape has them. */
function listedElements(
  name: string,
  data: Tensor['data'],
  shape: readonly number[],
  datatype: string,
): readonly unknown[] {
  if (!data) throw new InputError(`${name}: expected data, or binary_data_size, got neither`)
  const flat = shape.length === 2 ? data.flat(1) : data
  if (flat.length !== shape[0])
    throw new InputError(`${name}: expected ${shape[0]} elements, got ${flat.length}`)
  const wrong = flat.findIndex((value) => !fits(value, datatype))
  if (wrong !== -1)
    throw new InputError(
      `row ${wrong}: ${name}: expected an element of ${datatype}, got ${kindOf(flat[wrong])}`,
    )
  return flat
}

function fits(value: unknown, datatype: string): boolean {
  if (value === null) return true
  if (datatype === 'BYTES') return typeof value === 'string'
  if (datatype === 'BOOL') return typeof value === 'boolean'
  if (typeof value !== 'number') return false
  return datatype.startsWith('FP') || (Number.isInteger(value) && (value >= 0 || !datatype.startsWith('U')))
}
