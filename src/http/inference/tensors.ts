/**
 * The input tensors of the Open Inference Protocol, one a field → installs, not validated yet. A tensor that is left out is null in all
 * of them, where null is legal. Refuses tensors of other names, types, shapes or lengths, and repeats no value of them.
 */
import {
  Fault,
  type Field,
  type InputSchema,
  type Kind,
  kindOf,
  valueFromCell,
  valueToJson,
} from '../../inputs/index.ts'
import { listed as listedNames } from '../listed.ts'
import { refusal } from '../prediction.ts'
import { USER_ID } from '../schemas/install.ts'
import { INTEGERS, NUMBERS, readElements } from './elements.ts'

export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly data?: readonly unknown[] | null
  readonly parameters?: Readonly<Record<string, unknown>> | null
}

/** The datatypes that a tensor of this kind may have; the first is that of the model's metadata. */
const DATATYPES: Readonly<Record<Kind, readonly string[]>> = {
  text: ['BYTES'],
  number: NUMBERS,
  boolean: ['BOOL', ...INTEGERS],
  time: ['INT64', 'FP64', 'BYTES'],
}

/** What a tensor holds; a text is the user's id. */
type Holds = Field | typeof USER_ID

const nameOf = (holds: Holds): string => (holds === USER_ID ? USER_ID : holds.name)
const datatypesOf = (holds: Holds): readonly string[] => DATATYPES[holds === USER_ID ? 'text' : holds.kind]

/** For the model's metadata. */
export function inputTensors({ fields }: InputSchema): { name: string; datatype: string; shape: number[] }[] {
  return [...fields, USER_ID as Holds].map((holds) => ({
    name: nameOf(holds),
    datatype: datatypesOf(holds)[0]!,
    shape: [-1],
  }))
}

/**
 * @param binary what follows the JSON; null where nothing is said to follow
 * @throws 400
 */
export function installsOf(
  { fields }: InputSchema,
  tensors: readonly Tensor[],
  binary: Buffer | null,
): readonly object[] {
  const holds = new Map<string, Holds>([...fields, USER_ID as Holds].map((each) => [nameOf(each), each]))
  const names = tensors.map(({ name }) => name)
  const unknown = names.findIndex((name) => !holds.has(name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  const neverNull = fields.filter(({ nullable }) => !nullable).map(({ name }) => name)
  const missing = neverNull.filter((name) => !names.includes(name))
  if (unknown !== -1)
    throw refusal(`inputs.${unknown}.name: expected one of ${listedNames([...holds.keys()])}`)
  if (twice !== undefined) throw refusal(`inputs: expected ${twice} once, got it twice`)
  if (missing.length > 0)
    throw refusal(
      `inputs: expected tensors for ${listedNames(neverNull, ' and ')}; missing: ${listedNames(missing)}`,
    )

  const rows = rowsOf(tensors)
  const columns = new Map(valuesOf(tensors, holds, binary, rows))
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries([...holds.keys()].map((name) => [name, columns.get(name)?.[row] ?? null])),
  )
}

/** The same for all. */
function rowsOf(tensors: readonly Tensor[]): number {
  const [first] = tensors
  for (const { name, shape } of tensors) {
    const isColumn = shape.length === 1 || (shape.length === 2 && shape[1] === 1)
    if (!isColumn || !(shape[0]! > 0))
      throw refusal(`${name}: expected shape [n] or [n,1], got [${shape.join()}]`)
    if (shape[0] !== first!.shape[0])
      throw refusal(
        `${name}: expected ${first!.shape[0]} elements as in ${first!.name}, got shape [${shape.join()}]`,
      )
  }
  return first!.shape[0]!
}

function* valuesOf(
  tensors: readonly Tensor[],
  holds: ReadonlyMap<string, Holds>,
  binary: Buffer | null,
  rows: number,
): Generator<[string, readonly unknown[]]> {
  let offset = 0
  for (const { name, shape, datatype, data, parameters } of tensors) {
    const held = holds.get(name)!
    const expected = datatypesOf(held)
    if (!expected.includes(datatype))
      throw refusal(`${name}: expected datatype ${expected.join(' or ')}, got another one`)
    if (parameters?.['shared_memory_region'] !== undefined)
      throw refusal(`${name}: expected data, got a region of shared memory, which this service does not read`)
    const size = parameters?.['binary_data_size'] ?? null
    if (size === null) {
      yield [name, listed(name, data, shape, datatype).map((value) => jsonOf(held, value))]
      continue
    }
    if (data) throw refusal(`${name}: expected data or binary_data_size, got both`)
    if (binary === null)
      throw refusal(`${name}: expected the header Inference-Header-Content-Length beside binary_data_size`)
    if (!Number.isSafeInteger(size) || Number(size) < 0 || offset + Number(size) > binary.length)
      throw refusal(
        `${name}: expected as many bytes after the JSON as binary_data_size says, got ${binary.length - offset}`,
      )
    const bytes = binary.subarray(offset, (offset += Number(size)))
    yield [
      name,
      readElements(name, bytes, datatype, rows).map((value) =>
        held === USER_ID ? value || null : jsonOf(held, value),
      ),
    ]
  }
  if (binary !== null && offset !== binary.length)
    throw refusal(`body: expected ${offset} bytes after the JSON, as the tensors have, got ${binary.length}`)
}

/** Elements in JSON, flat or in lists as the shape has them. */
function listed(
  name: string,
  data: Tensor['data'],
  shape: readonly number[],
  datatype: string,
): readonly unknown[] {
  if (!data) throw refusal(`${name}: expected data, or binary_data_size, got neither`)
  const flat = shape.length === 2 ? data.flat(1) : data
  if (flat.length !== shape[0]) throw refusal(`${name}: expected ${shape[0]} elements, got ${flat.length}`)
  const wrong = flat.findIndex((value) => !fits(value, datatype))
  if (wrong !== -1)
    throw refusal(`row ${wrong}: ${name}: expected an element of ${datatype}, got ${kindOf(flat[wrong])}`)
  return flat
}

/** An element as a request in JSON would have it; what is none stays as it is, and is refused by validation. */
function jsonOf(held: Holds, value: unknown): unknown {
  if (held === USER_ID || value === null) return value
  if (held.kind === 'boolean' && (value === 0 || value === 1)) return value === 1
  if (held.kind !== 'time' || typeof value !== 'string') return value
  const read = valueFromCell(held, value)
  return read instanceof Fault ? value : valueToJson(held, read)
}

function fits(value: unknown, datatype: string): boolean {
  if (value === null) return true
  if (datatype === 'BYTES') return typeof value === 'string'
  if (datatype === 'BOOL') return typeof value === 'boolean'
  if (typeof value !== 'number') return false
  return datatype.startsWith('FP') || (Number.isInteger(value) && (value >= 0 || !datatype.startsWith('U')))
}
