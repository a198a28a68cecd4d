/**
 * Whether a new champion takes all requests that the present one takes. One that does not is refused: clients would be answered with errors
 * from one second to the next. An operator confirms it by the id of its inputs.
 */
import type { Bundle } from '../bundle/index.ts'
import { incompatibilities } from '../inputs/index.ts'

export class InputsRefusedError extends Error {
  readonly code = 'INPUTS_REFUSED'
  override readonly name = 'InputsRefusedError'

  constructor(inputsId: string, reasons: readonly string[]) {
    const shown = reasons.length > MOST_SHOWN ? [...reasons.slice(0, MOST_SHOWN), '…'] : reasons
    super(
      `expected a model that takes the requests that the present one takes, got inputs ${inputsId}: ${shown.join('; ')}. ACCEPTED_INPUTS=${inputsId} confirms them`,
    )
  }
}

const MOST_SHOWN = 5

/**
 * @param present the champion in service; null: there is none, and nobody can be disappointed
 * @param accepted ids of inputs that an operator has confirmed
 * @throws InputsRefusedError
 */
export function expectCompatible(
  present: Bundle | null,
  { inputs }: Bundle,
  accepted: ReadonlySet<string>,
): void {
  if (present === null || present.inputs.id === inputs.id || accepted.has(inputs.id)) return
  const reasons = incompatibilities(present.inputs, inputs)
  if (reasons.length > 0) throw new InputsRefusedError(inputs.id, reasons)
}
