/**
 * The input tensors of the Open Inference Protocol, one a field → installs, not validated yet. A tensor that is left out is null in all
 * of them, where null is legal. Refuses tensors of other names, types, shapes or lengths, and repeats no value of them.
 */
import { COUNT_FIELDS, TEXT_FIELDS } from '../../features/index.ts'
import { kindOf } from '../plugins/validation.ts'
import { refusal } from '../prediction.ts'
import { NUMBERS, readElements } from './elements.ts'

export interface Tensor {
  readonly name: string
  readonly shape: readonly number[]
  readonly datatype: string
  readonly data?: readonly unknown[] | null
  readonly parameters?: Readonly<Record<string, unknown>> | null
}

const TEXTS: ReadonlySet<string> = new Set([...TEXT_FIELDS, 'user_id'])
const NAMES: readonly string[] = [...TEXT_FIELDS, ...COUNT_FIELDS, 'user_id']
/** Their tensor must be there. */
const NEVER_NULL: readonly string[] = ['event_1', 'event_2']

/** What a tensor of this name holds, for the model's metadata. */
export const INPUTS = NAMES.map((name) => ({
  name,
  datatype: TEXTS.has(name) ? 'BYTES' : 'FP64',
  shape: [-1],
}))

/**
 * @param binary what follows the JSON; null where nothing is said to follow
 * @throws 400
 */
export function installsOf(tensors: readonly Tensor[], binary: Buffer | null): readonly object[] {
  const names = tensors.map(({ name }) => name)
  const unknown = names.findIndex((name) => !NAMES.includes(name))
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  const missing = NEVER_NULL.filter((name) => !names.includes(name))
  if (unknown !== -1) throw refusal(`inputs.${unknown}.name: expected one of ${NAMES.join(', ')}`)
  if (twice !== undefined) throw refusal(`inputs: expected ${twice} once, got it twice`)
  if (missing.length > 0)
    throw refusal(`inputs: expected tensors for ${NEVER_NULL.join(' and ')}; missing: ${missing.join(', ')}`)

  const rows = rowsOf(tensors)
  const columns = new Map(valuesOf(tensors, binary, rows))
  return Array.from({ length: rows }, (_, row) =>
    Object.fromEntries(NAMES.map((name) => [name, columns.get(name)?.[row] ?? null])),
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
  binary: Buffer | null,
  rows: number,
): Generator<[string, readonly unknown[]]> {
  let offset = 0
  for (const { name, shape, datatype, data, parameters } of tensors) {
    const expected = TEXTS.has(name) ? ['BYTES'] : NUMBERS
    if (!expected.includes(datatype))
      throw refusal(`${name}: expected datatype ${expected.join(' or ')}, got another one`)
    if (parameters?.['shared_memory_region'] !== undefined)
      throw refusal(`${name}: expected data, got a region of shared memory, which this service does not read`)
    const size = parameters?.['binary_data_size'] ?? null
    if (size === null) {
      yield [name, listed(name, data, shape, datatype)]
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
      readElements(name, bytes, datatype, rows).map((value) => (name === 'user_id' ? value || null : value)),
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

function fits(value: unknown, datatype: string): boolean {
  if (value === null) return true
  if (datatype === 'BYTES') return typeof value === 'string'
  if (typeof value !== 'number') return false
  return datatype.startsWith('FP') || (Number.isInteger(value) && (value >= 0 || !datatype.startsWith('U')))
}
