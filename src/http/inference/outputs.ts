/**
 * What was answered → the output tensors that were asked for, in JSON or as bytes after it.
 */
import { writeElements } from '../../formats/index.ts'
import { refusal } from '../input-refusals.ts'
import type { Answered } from '../prediction.ts'

export interface RequestedOutput {
  readonly name: string
  readonly parameters?: Readonly<Record<string, unknown>> | null
}

interface Output {
  readonly datatype: 'FP64' | 'BYTES'
  readonly valueOf: (answered: Answered) => number | string
  /** Whether it comes where no outputs are named. */
  readonly isDefault: boolean
}

const OUTPUTS: Readonly<Record<string, Output>> = {
  predicted_revenue: {
    datatype: 'FP64',
    valueOf: ({ record }) => record.predictedRevenue,
    isDefault: true,
  },
  prediction_id: { datatype: 'BYTES', valueOf: ({ record }) => record.predictionId, isDefault: true },
  model_version: { datatype: 'BYTES', valueOf: ({ record }) => record.modelVersion, isDefault: false },
}

/** For the model's metadata. */
export const OUTPUT_TENSORS = Object.entries(OUTPUTS).map(([name, { datatype }]) => ({
  name,
  datatype,
  shape: [-1],
}))

interface OutputTensor {
  name: string
  datatype: string
  shape: number[]
  data?: (number | string)[]
  parameters?: { binary_data_size: number }
}

export interface Outputs {
  readonly outputs: OutputTensor[]
  /** What follows the JSON; null where all outputs are in it. */
  readonly binary: Buffer | null
}

export type Choice = readonly (readonly [name: string, isBinary: boolean])[]

/**
 * Which outputs in which form. Known before anything is predicted, so that nothing is logged for a request that is refused.
 * @throws 400
 */
export function chosenOutputs(
  requested: readonly RequestedOutput[] | null,
  parameters: Readonly<Record<string, unknown>> | null,
): Choice {
  const isBinary = parameters?.['binary_data_output'] === true
  if (!requested || requested.length === 0)
    return Object.entries(OUTPUTS).flatMap(([name, output]) =>
      output.isDefault ? [[name, isBinary] as const] : [],
    )
  return requested.map(({ name, parameters: own }, at) => {
    if (!Object.hasOwn(OUTPUTS, name))
      throw refusal(`outputs.${at}.name: expected one of ${Object.keys(OUTPUTS).join(', ')}`)
    for (const parameter of ['classification', 'shared_memory_region'])
      if (own?.[parameter] !== undefined)
        throw refusal(`outputs.${at}: expected no ${parameter}, which this service does not do`)
    const binary = own?.['binary_data']
    return [name, typeof binary === 'boolean' ? binary : isBinary] as const
  })
}

export function outputsOf(answered: readonly Answered[], choice: Choice): Outputs {
  const parts: Buffer[] = []
  const outputs = choice.map(([name, isBinary]) => {
    const { datatype, valueOf } = OUTPUTS[name]!
    const values = answered.map(valueOf)
    const tensor = { name, datatype, shape: [values.length] }
    if (!isBinary) return { ...tensor, data: values }
    const bytes = writeElements(values)
    parts.push(bytes)
    return { ...tensor, parameters: { binary_data_size: bytes.length } }
  })
  return { outputs, binary: choice.some(([, isBinary]) => isBinary) ? Buffer.concat(parts) : null }
}
